FROM alpine:3.20
ARG RELEASE
ENV APP_RELEASE="${RELEASE:?pass the number of the release}"
