# cmake -DPROGRAM=<path> -P FrontendSize.cmake: fails if the program is larger, compressed, than what the frontend image
# may have. People pull it before their first build.
set(limit 5000000)
set(compressed "${PROGRAM}.gz")
execute_process(COMMAND gzip -6 -n -c "${PROGRAM}" OUTPUT_FILE "${compressed}" RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "gzip ${PROGRAM}: ${failed}")
endif()
file(SIZE "${compressed}" size)
file(REMOVE "${compressed}")
if(size GREATER limit)
  message(FATAL_ERROR "${PROGRAM} has ${size} bytes compressed; the frontend image may have ${limit}")
endif()
message(STATUS "${PROGRAM}: ${size} bytes compressed")
