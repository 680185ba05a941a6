/* The packed busybox image as two symbols, its size when unpacked and the digest of its tar;
 * src/engine/image/assets.h declares them. */
    .section .rodata.mtd_busybox, "a", %progbits
    .balign 16
    .global mtd_busybox_start
    .global mtd_busybox_end
mtd_busybox_start:
    .incbin MTD_BUSYBOX_TAR
mtd_busybox_end:
    .byte 0
    .balign 8
    .global mtd_busybox_size
mtd_busybox_size:
    .include MTD_BUSYBOX_SIZE
    .global mtd_busybox_diff_id
mtd_busybox_diff_id:
    .include MTD_BUSYBOX_DIGEST
    .section .note.GNU-stack, "", %progbits
