# What `cmake --install` installs, the target `uninstall` that takes it away again, and the
# Debian package (`cpack` in the build directory).

set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
install(TARGETS mytop-docker RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
# The OCI runtime is a name of the same program.
file(CREATE_LINK mytop-docker ${CMAKE_BINARY_DIR}/mytop-runc SYMBOLIC)
install(FILES ${CMAKE_BINARY_DIR}/mytop-runc DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES assets/mytop-docker.service DESTINATION lib/systemd/system)
install(FILES assets/completion/mytop-docker.bash RENAME mytop-docker
    DESTINATION share/bash-completion/completions)
# zsh looks into another directory below /usr/local than where packages put theirs.
install(CODE "set(file \"${CMAKE_SOURCE_DIR}/assets/completion/_mytop-docker\")")
install(CODE [[
    set(dir site-functions)
    if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
        set(dir vendor-completions)
    endif()
    file(INSTALL DESTINATION "${CMAKE_INSTALL_PREFIX}/share/zsh/${dir}" TYPE FILE FILES "${file}")
]])
install(FILES assets/completion/mytop-docker.fish
    DESTINATION share/fish/vendor_completions.d)
install(FILES docs/mytop-docker.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/mytop-runc.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES docs/mytop-docker.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
# The licences of what is linked in and embedded go with the program.
install(FILES LICENSE NOTICE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE RENAME copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY LICENSES DESTINATION ${CMAKE_INSTALL_DOCDIR})

# Containers and images are not of the installation: nothing below the roots is touched.
add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} -D MANIFEST=${CMAKE_BINARY_DIR}/install_manifest.txt
        -P ${CMAKE_SOURCE_DIR}/cmake/uninstall.cmake
    COMMENT "Removing what was installed" VERBATIM)

set(CPACK_GENERATOR DEB)
# As a component, or cpack would overwrite the manifest of what is installed.
set(CPACK_INSTALL_CMAKE_PROJECTS "${CMAKE_BINARY_DIR};${PROJECT_NAME};Unspecified;/")
set(CPACK_PACKAGE_NAME mytop-docker)
set(CPACK_PACKAGE_VENDOR mytop-docker)
set(CPACK_PACKAGE_CONTACT "the maintainers of mytop-docker <root@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "containers and a dashboard for them, without a daemon")
set(CPACK_PACKAGE_DESCRIPTION "A container engine, a dashboard like htop and a command line like
docker's in one static program. Each container has a small monitor of its own; there is no daemon.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF) # the release is
set(CPACK_PRE_BUILD_SCRIPTS ${CMAKE_SOURCE_DIR}/cmake/compress_pages.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "skopeo, buildah, netavark")
find_program(SHLIBDEPS dpkg-shlibdeps)
if(SHLIBDEPS) # what a dynamic build depends on; a static one depends on nothing
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
endif()
include(CPack)
