FROM alpine:3.20
RUN <<SETUP
apk add git
adduser -D app
SETPU
USER app
