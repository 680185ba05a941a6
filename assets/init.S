/* The embedded program for --init, if any; src/engine/host/init_program.c declares the symbols. */
    .section .rodata.mtd_init, "a", %progbits
    .balign 16
    .global mtd_init_start
    .global mtd_init_end
mtd_init_start:
#ifdef MTD_INIT
    .incbin MTD_INIT
#endif
mtd_init_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
