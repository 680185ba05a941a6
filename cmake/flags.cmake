# The compiler's options. Target mtd_flags carries them; every target of ours links it.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON) # gnu11
# No LTO: measured, neither smaller nor faster, and nearly twice the time to build.
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g -fno-omit-frame-pointer")

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(mtd_flags INTERFACE)
target_compile_definitions(mtd_flags INTERFACE
    _GNU_SOURCE _FILE_OFFSET_BITS=64 MTD_VERSION="${PROJECT_VERSION}"
    $<$<BOOL:${MTD_FAULTS}>:MTD_FAULTS>)

# Off on purpose: unused parameters and missing initializers are how tables of functions
# and of options look; truncation is looked for where it matters, in the path helpers.
target_compile_options(mtd_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:
    -Wall -Wextra -Wshadow -Wundef -Wvla -Wwrite-strings -Wpointer-arith -Wformat=2
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wno-unused-parameter -Wno-missing-field-initializers
    $<$<C_COMPILER_ID:GNU>:-Wlogical-op;-Wno-format-truncation>
    -fstack-protector-strong -ffunction-sections -fdata-sections
    $<$<BOOL:${MTD_WERROR}>:-Werror>>)
target_link_options(mtd_flags INTERFACE -Wl,-z,relro -Wl,-z,now)

if(CMAKE_BUILD_TYPE STREQUAL Release)
    # No PIE: relocating a static program dirties pages of every monitor and costs its start.
    target_compile_options(mtd_flags INTERFACE -fno-pie)
    target_compile_definitions(mtd_flags INTERFACE
        $<$<COMPILE_LANGUAGE:C>:_FORTIFY_SOURCE=2>)
    target_link_options(mtd_flags INTERFACE -no-pie)
endif()
if(MTD_SANITIZE)
    target_compile_options(mtd_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:
        -fsanitize=address,undefined -fno-sanitize-recover=all>)
    target_link_options(mtd_flags INTERFACE -fsanitize=address,undefined)
endif()

# mtd_link_program(TARGET): static and stripped where the build asks for it. Not for the
# tests: Criterion finds them in a section nothing refers to, which --gc-sections drops.
function(mtd_link_program target)
    set_target_properties(${target} PROPERTIES MTD_LINK_STATIC ${MTD_STATIC_PROGRAM})
    target_link_options(${target} PRIVATE -Wl,--gc-sections
        $<$<BOOL:${MTD_STATIC_PROGRAM}>:-static> $<$<CONFIG:Release>:-s>)
endfunction()
