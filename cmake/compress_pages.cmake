# Run by CPack in the tree that becomes the package: Debian's policy wants manual pages compressed.
file(GLOB pages "${CPACK_TEMPORARY_INSTALL_DIRECTORY}${CPACK_PACKAGING_INSTALL_PREFIX}/share/man/man*/*.[0-9]")
if(pages)
    execute_process(COMMAND gzip --best --no-name ${pages} COMMAND_ERROR_IS_FATAL ANY)
endif()
