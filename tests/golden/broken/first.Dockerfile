# The ARG may stand here, the RUN may not.
ARG VERSION=1
RUN apk add git
FROM alpine:3.20
