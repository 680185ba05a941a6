# The libraries of the distribution, as targets lib::NAME. A static build takes the
# archives and names what each of them needs in turn: their .pc files list more than we
# use (libarchive's xar reader wants libxml2 and ICU; nothing here references it).

if(MTD_STATIC)
    set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
endif()

# mtd_find(NAME HEADER header LIBS name... [STATIC_LIBS name...])
# A name may be "a|b": the first that exists (Debian 12 calls libuv's archive libuv_a.a).
function(mtd_find name)
    cmake_parse_arguments(arg "" "HEADER;PACKAGE" "LIBS;STATIC_LIBS" ${ARGN})
    if(MTD_STATIC)
        list(APPEND arg_LIBS ${arg_STATIC_LIBS})
    endif()
    find_path(HEADER_${name} ${arg_HEADER})
    set(found)
    foreach(lib ${arg_LIBS})
        string(REPLACE "|" ";" names "${lib}")
        find_library(LIB_${lib} NAMES ${names})
        if(NOT HEADER_${name} OR NOT LIB_${lib})
            message(FATAL_ERROR "library ${lib} not found; install ${arg_PACKAGE}")
        endif()
        list(APPEND found ${LIB_${lib}})
    endforeach()
    add_library(lib::${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(lib::${name} INTERFACE ${found})
endfunction()

mtd_find(curses HEADER ncurses.h PACKAGE libncurses-dev LIBS ncursesw tinfo)
mtd_find(uv HEADER uv.h PACKAGE libuv1-dev LIBS uv|uv_a)
mtd_find(jansson HEADER jansson.h PACKAGE libjansson-dev LIBS jansson)
mtd_find(seccomp HEADER seccomp.h PACKAGE libseccomp-dev LIBS seccomp)
mtd_find(nettle HEADER nettle/sha2.h PACKAGE nettle-dev LIBS nettle)
mtd_find(archive HEADER archive.h LIBS archive
    PACKAGE "libarchive-dev libacl1-dev liblzma-dev libzstd-dev liblz4-dev libbz2-dev zlib1g-dev"
    STATIC_LIBS nettle acl lzma zstd lz4 bz2 z)
