# cmake --install puts the programs in place; cpack makes a .deb.
include(GNUInstallDirs)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME loam)
set(CPACK_PACKAGE_VENDOR "Loam")
set(CPACK_PACKAGE_CONTACT "The Loam authors <maintainers@loam.build>")
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# libcurl and libarchive are loaded when needed (cmake/LazyLibrary.cmake), which dpkg-shlibdeps does not see.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "crun | runc, git, ca-certificates, libcurl4 | libcurl4t64, libarchive13 | libarchive13t64")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
include(CPack)
