# Tests: test_unit, test_system, test_security, test_ui (Criterion), probe, the static program
# which serves as a container's whole root file system, talk, which is both sides of a connection,
# and calls, which tries system calls from inside. `cmake --build DIR --target tests`.

find_path(HEADER_criterion criterion/criterion.h)
set(CMAKE_FIND_LIBRARY_SUFFIXES .so)
find_library(LIB_criterion criterion)
if(NOT HEADER_criterion OR NOT LIB_criterion)
    message(STATUS "Criterion not found (package libcriterion-dev): tests are not built")
    return()
endif()

add_custom_target(tests)
add_dependencies(tests mytop-docker)

foreach(inside support/probe support/talk security/calls security/hostile)
    get_filename_component(name ${inside} NAME)
    add_executable(${name} tests/${inside}.c)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_compile_options(${name} PRIVATE -Wall -Wextra -Wno-unused-parameter -Os -fno-pie)
    target_link_options(${name} PRIVATE -static -no-pie -s)
    add_dependencies(tests ${name})
endforeach()

mtd_library(test_support GLOB tests/support/*.c EXCLUDE "/(probe|talk|lsan|libgit2)[.]c$" LINK mtd_engine mtd_base)
target_include_directories(test_support PUBLIC tests/support ${HEADER_criterion})
target_compile_definitions(test_support PUBLIC
    MTD_PROGRAM="$<TARGET_FILE:mytop-docker>"
    MTD_PROBE="${CMAKE_BINARY_DIR}/probe"
    MTD_TALK="${CMAKE_BINARY_DIR}/talk"
    MTD_CALLS="${CMAKE_BINARY_DIR}/calls"
    MTD_HOSTILE="${CMAKE_BINARY_DIR}/hostile"
    MTD_SECCOMP_SOURCE="${seccomp_source}"
    MTD_TESTS_DIR="${CMAKE_SOURCE_DIR}/tests")


# A test's set-up may ignore results, and fill structs with literals. (A target's own options
# would stand before those of mtd_flags.)
add_library(test_flags INTERFACE)
target_compile_options(test_flags INTERFACE -Wno-unused-result -Wno-write-strings)

# mtd_test(KIND LIBRARY...): tests/KIND/**/test_*.c -> test_KIND
function(mtd_test kind)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS tests/${kind}/test_*.c)
    if(NOT sources)
        return()
    endif()
    list(APPEND sources tests/support/libgit2.c)
    if(MTD_SANITIZE)
        list(APPEND sources tests/support/lsan.c)
    endif()
    add_executable(test_${kind} ${sources})
    target_link_libraries(test_${kind} PRIVATE test_support ${ARGN} test_flags
        ${LIB_criterion})
    add_test(NAME ${kind} COMMAND test_${kind})
    add_dependencies(tests test_${kind})
    if(NOT kind STREQUAL unit) # what they start
        add_dependencies(test_${kind} mytop-docker probe talk calls hostile)
    endif()
endfunction()

mtd_test(unit mtd_cli mtd_ui mtd_engine mtd_nsenter mtd_base)
mtd_test(system mtd_engine mtd_base)
mtd_test(security mtd_engine mtd_base)
mtd_test(ui mtd_ui mtd_engine mtd_base)

# The linker takes a call upwards when the room above is in the program anyway. So each room is
# linked once as a whole with nothing but what is below it: what is missing then is above.
file(WRITE ${CMAKE_BINARY_DIR}/rank.c "int main(void) { return 0; }\n")
get_property(rooms GLOBAL PROPERTY MTD_ROOMS)
foreach(room ${rooms})
    add_executable(rank_${room} ${CMAKE_BINARY_DIR}/rank.c)
    target_link_libraries(rank_${room} PRIVATE
        -Wl,--whole-archive ${room} -Wl,--no-whole-archive)
    set_target_properties(rank_${room} PROPERTIES
        RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/ranks)
    add_dependencies(tests rank_${room})
endforeach()

# The storm is a program of its own: Criterion's workers would be in its way.
file(GLOB storm CONFIGURE_DEPENDS tests/chaos/*.c)
if(storm)
    add_executable(storm ${storm})
    target_include_directories(storm PRIVATE tests/chaos)
    target_compile_definitions(storm PRIVATE MTD_TESTS_DIR="${CMAKE_SOURCE_DIR}/tests")
    target_link_libraries(storm PRIVATE mtd_base test_flags)
    add_dependencies(storm mytop-docker)
    add_dependencies(tests storm)
endif()
