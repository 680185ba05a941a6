# The libraries of the distribution, as targets lib::NAME. The program of a static build
# takes the archives and names what each of them needs in turn: their .pc files list more
# than we use. libarchive's tar writer drags in its xar writer, which wants libxml2 and ICU;
# --gc-sections drops it again. The tests cannot be linked so (see mtd_link_program): they
# take the shared libraries in every build.

# mtd_find_libs(RESULT SUFFIX name...): the paths, or an error that names the package.
function(mtd_find_libs result suffix)
    set(CMAKE_FIND_LIBRARY_SUFFIXES ${suffix})
    set(found)
    foreach(lib ${ARGN})
        string(REPLACE "|" ";" names "${lib}")
        find_library(LIB_${lib}${suffix} NAMES ${names})
        if(NOT LIB_${lib}${suffix})
            message(FATAL_ERROR "library ${lib}${suffix} not found; install ${arg_PACKAGE}")
        endif()
        list(APPEND found ${LIB_${lib}${suffix}})
    endforeach()
    set(${result} ${found} PARENT_SCOPE)
endfunction()

# mtd_find(NAME HEADER header LIBS name... [STATIC_LIBS name...])
# A name may be "a|b": the first that exists (Debian 12 calls libuv's archive libuv_a.a).
function(mtd_find name)
    cmake_parse_arguments(arg "" "HEADER;PACKAGE" "LIBS;STATIC_LIBS" ${ARGN})
    find_path(HEADER_${name} ${arg_HEADER})
    mtd_find_libs(shared .so ${arg_LIBS})
    if(MTD_STATIC)
        mtd_find_libs(static .a ${arg_LIBS} ${arg_STATIC_LIBS})
    endif()
    if(NOT HEADER_${name})
        message(FATAL_ERROR "header ${arg_HEADER} not found; install ${arg_PACKAGE}")
    endif()
    set(is_static $<BOOL:$<TARGET_PROPERTY:MTD_LINK_STATIC>>)
    add_library(lib::${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(lib::${name} INTERFACE
        "$<${is_static}:${static}>" "$<$<NOT:${is_static}>:${shared}>")
endfunction()

mtd_find(curses HEADER ncurses.h PACKAGE libncurses-dev LIBS ncursesw tinfo)
mtd_find(uv HEADER uv.h PACKAGE libuv1-dev LIBS uv|uv_a)
mtd_find(jansson HEADER jansson.h PACKAGE libjansson-dev LIBS jansson)
mtd_find(seccomp HEADER seccomp.h PACKAGE libseccomp-dev LIBS seccomp)
mtd_find(nettle HEADER nettle/sha2.h PACKAGE nettle-dev LIBS nettle)
mtd_find(archive HEADER archive.h LIBS archive
    PACKAGE "libarchive-dev libacl1-dev liblzma-dev libzstd-dev liblz4-dev libbz2-dev zlib1g-dev"
    STATIC_LIBS nettle acl lzma zstd lz4 bz2 z)
