FROM alpine AS first
RUN --mount=type=cach,target=/x true
RUN --mount=type=bind,z true
RUN --mount=type=cache,target=/ true
RUN --mount=type=ssh,source=/x true
RUN []
COPY --chmod=9999 a b
COPY https://example.com/a b
ADD --checksum=sha256:abc https://example.com/a b
ADD --checksum=sha256:abc a b
ADD https://github.com/a/b.git?nope=1 /x
EXPOSE 99999 http
STOPSIGNAL SIGNOPE
VOLUME $UNSET
ENV A="${B:?must be given}"
COPY --from=late a b
FROM alpine AS late
FROM first
