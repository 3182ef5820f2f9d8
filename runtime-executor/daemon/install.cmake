# What lies beside loamd: the name BuildKit's clients know, and the service for systemd.
install(CODE "file(CREATE_LINK loamd \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/buildkitd\" SYMBOLIC)")
set(loam_systemd_dir lib/systemd/system)
configure_file(${CMAKE_CURRENT_LIST_DIR}/systemd/loamd.service.in ${CMAKE_BINARY_DIR}/systemd/loamd.service @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/systemd/loamd.service ${CMAKE_CURRENT_LIST_DIR}/systemd/loamd.socket
  DESTINATION ${loam_systemd_dir})
