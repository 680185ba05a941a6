# The libraries of the distribution, as targets lib::NAME, and MTD_STATIC_PROGRAM: whether the
# program takes their archives. Those need further ones, which are named here, since their .pc
# files list more than we use. libarchive's tar writer drags in its xar writer, which wants
# libxml2 and ICU; --gc-sections drops it again. The tests cannot be linked so (see
# mtd_link_program): they take the shared libraries in every build.

# mtd_find_libs(RESULT SUFFIX name:package...): the paths. What is not found is added to the
# global property MTD_MISSING.SUFFIX. A name may be "a|b": the first that exists.
function(mtd_find_libs result suffix)
    set(CMAKE_FIND_LIBRARY_SUFFIXES ${suffix})
    set(found)
    foreach(lib ${ARGN})
        string(REGEX MATCH "^([^:]+):(.+)$" lib "${lib}")
        set(package ${CMAKE_MATCH_2})
        string(REPLACE "|" ";" names "${CMAKE_MATCH_1}")
        list(GET names 0 name)
        find_library(LIB_${name}${suffix} NAMES ${names})
        mark_as_advanced(LIB_${name}${suffix})
        if(LIB_${name}${suffix})
            list(APPEND found ${LIB_${name}${suffix}})
        else()
            set_property(GLOBAL APPEND PROPERTY MTD_MISSING${suffix}
                "lib${name}${suffix} (${package})")
        endif()
    endforeach()
    set(${result} ${found} PARENT_SCOPE)
endfunction()

# mtd_find(NAME HEADER header LIBS name:package... [STATIC_LIBS name:package...])
# STATIC_LIBS: what the archives need on top. Debian 12 calls libuv's archive libuv_a.a.
function(mtd_find name)
    cmake_parse_arguments(arg "" "HEADER" "LIBS;STATIC_LIBS" ${ARGN})
    find_path(HEADER_${name} ${arg_HEADER})
    mark_as_advanced(HEADER_${name})
    if(NOT HEADER_${name})
        list(GET arg_LIBS 0 package)
        string(REGEX REPLACE ".*:" "" package ${package})
        set_property(GLOBAL APPEND PROPERTY MTD_MISSING.so "${arg_HEADER} (${package})")
    endif()
    mtd_find_libs(shared .so ${arg_LIBS})
    mtd_find_libs(static .a ${arg_LIBS} ${arg_STATIC_LIBS})
    set_property(GLOBAL APPEND PROPERTY MTD_ARCHIVES ${static})
    set(is_static $<BOOL:$<TARGET_PROPERTY:MTD_LINK_STATIC>>)
    add_library(lib::${name} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(lib::${name} INTERFACE
        "$<${is_static}:${static}>" "$<$<NOT:${is_static}>:${shared}>")
endfunction()

mtd_find(curses HEADER ncurses.h LIBS ncursesw:libncurses-dev tinfo:libncurses-dev)
mtd_find(uv HEADER uv.h LIBS uv|uv_a:libuv1-dev)
mtd_find(jansson HEADER jansson.h LIBS jansson:libjansson-dev)
mtd_find(seccomp HEADER seccomp.h LIBS seccomp:libseccomp-dev)
mtd_find(archive HEADER archive.h LIBS archive:libarchive-dev
    STATIC_LIBS nettle:nettle-dev acl:libacl1-dev lzma:liblzma-dev zstd:libzstd-dev
    lz4:liblz4-dev bz2:libbz2-dev z:zlib1g-dev)
mtd_find(zlib HEADER zlib.h LIBS z:zlib1g-dev)
mtd_find(nettle HEADER nettle/sha2.h LIBS nettle:nettle-dev)

# ---- static or dynamic ----

include(CheckCSourceCompiles)

# mtd_links_static(RESULT SOURCE LIBRARY...): asked again as long as the answer is no.
function(mtd_links_static result source)
    set(CMAKE_REQUIRED_QUIET ON)
    set(CMAKE_REQUIRED_LINK_OPTIONS -static -Wl,--gc-sections)
    set(CMAKE_REQUIRED_LIBRARIES ${ARGN})
    check_c_source_compiles("${source}" ${result})
    if(NOT ${result})
        unset(${result} CACHE)
    endif()
    set(${result} "${${result}}" PARENT_SCOPE)
endfunction()

# Why no static program can be made: "" = it can. Archives of a distribution may need others
# than Debian's: libarchive's is the one that differs.
function(mtd_static_obstacle result)
    get_property(missing GLOBAL PROPERTY MTD_MISSING.a)
    get_property(archives GLOBAL PROPERTY MTD_ARCHIVES)
    list(REMOVE_DUPLICATES missing)
    if(NOT MTD_LIBC_STATIC)
        list(PREPEND missing "libc.a (libc6-dev; glibc-static)")
    endif()
    set(obstacle "")
    if(MTD_SANITIZE)
        set(obstacle "the sanitizers need a dynamic one")
    elseif(missing)
        list(JOIN missing ", " missing)
        set(obstacle "these static libraries (packages) are missing: ${missing}")
    else()
        mtd_links_static(MTD_ARCHIVES_LINK
            "#include <archive.h>
            int main(void)
            {
                struct archive *in = archive_read_new(), *out = archive_write_new();
                return archive_read_support_filter_gzip(in) |
                       archive_read_support_filter_bzip2(in) |
                       archive_read_support_filter_xz(in) |
                       archive_read_support_filter_zstd(in) |
                       archive_read_support_filter_lz4(in) |
                       archive_read_support_format_tar(in) |
                       archive_write_set_format_pax(out);
            }" ${archives} m)
        if(NOT MTD_ARCHIVES_LINK)
            set(obstacle "the static libraries do not link; see ${CMAKE_BINARY_DIR}/CMakeFiles")
        endif()
    endif()
    set(${result} "${obstacle}" PARENT_SCOPE)
endfunction()

get_property(missing GLOBAL PROPERTY MTD_MISSING.so)
if(missing)
    list(JOIN missing ", " missing)
    message(FATAL_ERROR "these headers and libraries (packages) are missing: ${missing}")
endif()

mtd_links_static(MTD_LIBC_STATIC "int main(void) { return 0; }")
set(MTD_STATIC_PROGRAM OFF)
if(MTD_STATIC STREQUAL "AUTO" OR MTD_STATIC)
    mtd_static_obstacle(obstacle)
    if(obstacle STREQUAL "")
        set(MTD_STATIC_PROGRAM ON)
    elseif(MTD_STATIC STREQUAL "AUTO")
        message(STATUS "The program will not be static: ${obstacle}")
    else()
        message(FATAL_ERROR "MTD_STATIC=${MTD_STATIC}, but ${obstacle}")
    endif()
endif()
