# mtd_seccomp: the built-in seccomp policy (src/engine/syscalls), as programs that a generator makes
# of assets/seccomp. It runs here, also when the program is for another machine, and so is built by
# this machine's compiler.

if(CMAKE_CROSSCOMPILING)
    find_program(MTD_HOST_CC NAMES cc gcc clang REQUIRED)
else()
    set(MTD_HOST_CC ${CMAKE_C_COMPILER})
endif()
set(seccomp_dir ${CMAKE_SOURCE_DIR}/assets/seccomp)
set(seccomp_generator ${CMAKE_BINARY_DIR}/seccomp-generate)
set(seccomp_source ${CMAKE_BINARY_DIR}/seccomp_builtin.c)
add_custom_command(
    OUTPUT ${seccomp_generator}
    COMMAND ${MTD_HOST_CC} -std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra
        ${seccomp_dir}/generate.c ${seccomp_dir}/policy.c -lseccomp -o ${seccomp_generator}
    DEPENDS ${seccomp_dir}/generate.c ${seccomp_dir}/policy.c ${seccomp_dir}/policy.h
    COMMENT "Building the generator of the seccomp policy" VERBATIM)
add_custom_command(
    OUTPUT ${seccomp_source}
    COMMAND ${seccomp_generator} ${seccomp_source}
    DEPENDS ${seccomp_generator}
    COMMENT "Making the seccomp policy" VERBATIM)

add_library(mtd_seccomp STATIC ${seccomp_source})
target_include_directories(mtd_seccomp PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_link_libraries(mtd_seccomp PRIVATE mtd_flags)
