# mtd_assets: the embedded busybox image (see assets/pack and src/engine/image/assets.h).

find_program(BUSYBOX busybox PATHS /bin /usr/bin REQUIRED)
find_program(ZSTD zstd REQUIRED)

file(GLOB_RECURSE asset_files CONFIGURE_DEPENDS assets/busybox/*)
set(busybox_tar ${CMAKE_BINARY_DIR}/busybox.tar.zst)
add_custom_command(
    OUTPUT ${busybox_tar}
    COMMAND ${CMAKE_SOURCE_DIR}/assets/pack ${BUSYBOX} ${busybox_tar}
    DEPENDS ${CMAKE_SOURCE_DIR}/assets/pack ${BUSYBOX} ${asset_files}
    COMMENT "Packing the busybox image" VERBATIM)

add_library(mtd_assets STATIC assets/busybox.S)
set_source_files_properties(assets/busybox.S PROPERTIES
    OBJECT_DEPENDS ${busybox_tar}
    COMPILE_DEFINITIONS MTD_BUSYBOX_TAR="${busybox_tar}")
target_include_directories(mtd_assets PUBLIC ${CMAKE_SOURCE_DIR}/src)
set_target_properties(mtd_assets PROPERTIES ASM_COMPILER_LAUNCHER "")

# mtd_completion: the scripts that `completion SHELL` prints, which are installed as well.
set(completion_dir ${CMAKE_SOURCE_DIR}/assets/completion)
add_library(mtd_completion STATIC assets/completion.S)
set_source_files_properties(assets/completion.S PROPERTIES
    OBJECT_DEPENDS "${completion_dir}/mytop-docker.bash;${completion_dir}/_mytop-docker;${completion_dir}/mytop-docker.fish")
target_include_directories(mtd_completion PRIVATE ${completion_dir}) # for .incbin
set_target_properties(mtd_completion PROPERTIES ASM_COMPILER_LAUNCHER "")
