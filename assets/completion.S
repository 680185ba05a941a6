/* The shells' completion scripts, each a text that ends with a NUL; src/cli/verb_completion.c
 * declares them. */
    .section .rodata.mtd_completion, "a", %progbits
    .global mtd_completion_bash
    .global mtd_completion_zsh
    .global mtd_completion_fish
mtd_completion_bash:
    .incbin "mytop-docker.bash"
    .byte 0
mtd_completion_zsh:
    .incbin "_mytop-docker"
    .byte 0
mtd_completion_fish:
    .incbin "mytop-docker.fish"
    .byte 0
    .section .note.GNU-stack, "", %progbits
