# mtd_assets: the embedded busybox image (see assets/pack and src/engine/image/assets.h).

find_program(BUSYBOX busybox PATHS /bin /usr/bin REQUIRED)
find_program(ZSTD zstd REQUIRED)
if(CMAKE_CROSSCOMPILING)
    # Another machine's busybox would be embedded without a word. Bytes 18 and 19 say whose it is.
    file(READ ${BUSYBOX} machine OFFSET 18 LIMIT 2 HEX)
    if(CMAKE_SYSTEM_PROCESSOR STREQUAL aarch64 AND NOT machine STREQUAL b700)
        message(FATAL_ERROR "${BUSYBOX} is not for ${CMAKE_SYSTEM_PROCESSOR} (package "
            "busybox-static:arm64; or -DBUSYBOX=FILE)")
    endif()
endif()

file(GLOB_RECURSE asset_files CONFIGURE_DEPENDS assets/busybox/*)
set(busybox_tar ${CMAKE_BINARY_DIR}/busybox.tar.zst)
add_custom_command(
    OUTPUT ${busybox_tar}
    BYPRODUCTS ${busybox_tar}.size ${busybox_tar}.digest
    COMMAND ${CMAKE_SOURCE_DIR}/assets/pack ${BUSYBOX} ${busybox_tar}
        ${CMAKE_CROSSCOMPILING_EMULATOR}
    DEPENDS ${CMAKE_SOURCE_DIR}/assets/pack ${BUSYBOX} ${asset_files}
    COMMENT "Packing the busybox image" VERBATIM)

add_library(mtd_assets STATIC assets/busybox.S)
set_source_files_properties(assets/busybox.S PROPERTIES
    OBJECT_DEPENDS ${busybox_tar}
    COMPILE_DEFINITIONS "MTD_BUSYBOX_TAR=\"${busybox_tar}\";MTD_BUSYBOX_SIZE=\"${busybox_tar}.size\";MTD_BUSYBOX_DIGEST=\"${busybox_tar}.digest\"")
target_include_directories(mtd_assets PUBLIC ${CMAKE_SOURCE_DIR}/src)
set_target_properties(mtd_assets PROPERTIES ASM_COMPILER_LAUNCHER "")

# mtd_completion: the scripts that `completion SHELL` prints, which are installed as well.
set(completion_dir ${CMAKE_SOURCE_DIR}/assets/completion)
add_library(mtd_completion STATIC assets/completion.S)
set_source_files_properties(assets/completion.S PROPERTIES
    OBJECT_DEPENDS "${completion_dir}/mytop-docker.bash;${completion_dir}/_mytop-docker;${completion_dir}/mytop-docker.fish")
target_include_directories(mtd_completion PRIVATE ${completion_dir}) # for .incbin
set_target_properties(mtd_completion PROPERTIES ASM_COMPILER_LAUNCHER "")
