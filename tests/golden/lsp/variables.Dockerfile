# syntax=docker/dockerfile:1
# ^ symbol: syntax
ARG VERSION=3.20
#   ^^^^^^^ def: VERSION
#   ^ hover: `VERSION` = `3.20`
FROM alpine:${VERSION} AS build
#             ^^^^^^^ use: VERSION
#                   ^ hover: line 3
#                     ^ hint: = 3.20
#                         ^^^^^ def: build
#                         ^ symbol: build
ARG VERSION
#   ^^^^^^^ local: VERSION
ENV DIR=/app
ENV OTHER=1 \
    FILE=$DIR/file
#   ^ hover: `/app/file`
#         ^ hover: `DIR` = `/app`
WORKDIR $DIR
#        ^ hover: ENV DIR=
#           ^ hint: = /app
RUN echo $VERSION
#         ^^^^^^^ local: VERSION
FROM build AS last
#    ^^^^^ use: build
#    ^ hover: stage 0 of line 6
#             ^^^^ def: last
COPY --from=build $FILE /
#           ^^^^^ use: build
#                  ^ hover: `/app/file`
#      ^ hover: Where the files come from
COPY --from=0 /a /b
#           ^ use: build
#           ^ hover: stage 0
