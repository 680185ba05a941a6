# mtd_init: the program that --init runs as pid 1, embedded for engine/host/init_program.h. A
# static mytop-docker is that program itself and embeds nothing. A dynamic one would not find
# its libraries in a container, so the same source is built once more, static, with libc alone.

add_library(mtd_init STATIC assets/init.S)
set_target_properties(mtd_init PROPERTIES ASM_COMPILER_LAUNCHER "")
if(MTD_STATIC_PROGRAM)
    return()
endif()
if(NOT MTD_LIBC_STATIC)
    message(WARNING "libc.a (libc6-dev; glibc-static) is missing: the program will refuse --init")
    return()
endif()

set(init_dir ${CMAKE_BINARY_DIR}/init)
add_executable(mtd-init src/engine/inside/reaper.c)
target_include_directories(mtd-init PRIVATE src)
target_compile_definitions(mtd-init PRIVATE _GNU_SOURCE)
target_compile_options(mtd-init PRIVATE -Wall -Wextra -Os -fno-pie
    $<$<BOOL:${MTD_WERROR}>:-Werror>)
# The source has no main: in mytop-docker it is one of several.
target_link_options(mtd-init PRIVATE -static -no-pie -s -Wl,--gc-sections
    -Wl,--defsym=main=inside_reaper_main)
set_target_properties(mtd-init PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${init_dir})

add_dependencies(mtd_init mtd-init)
set_source_files_properties(assets/init.S PROPERTIES
    OBJECT_DEPENDS ${init_dir}/mtd-init
    COMPILE_DEFINITIONS MTD_INIT="${init_dir}/mtd-init")
