ARG BASE=alpine
FROM --platform=$BUILDPLATFORM $BASE AS build
ARG TARGETARCH
RUN build $TARGETARCH
FROM build AS test
ONBUILD COPY --from=build /out /in
ONBUILD RUN test
FROM scratch AS unused
COPY . /never
FROM onbuild:1 AS triggered
FROM test
COPY --from=0 /a /b
COPY --from=triggered /src /src
FROM scratch
COPY --from=4 / /
COPY --from=build --link /x /x
COPY --link y /y
