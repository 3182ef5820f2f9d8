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
#   ^^^^^^^ use: VERSION
ENV DIR=/app \
    FILE=$DIR/file
#   ^ hover: `/app/file`
#         ^ hover: `DIR` = `/app`
WORKDIR $DIR
#       ^ hover: ENV DIR=
#           ^ hint: = /app
RUN echo $VERSION
#         ^^^^^^^ use: VERSION
#        ^ action: write the command in exec form
FROM build AS last
#    ^^^^^ use: build
#    ^ hover: stage 0 of line 6
#             ^^^^ def: last
COPY --from=build $FILE /
#           ^^^^^ use: build
#                  ^ hover: `/app/file`
#      ^ hover: Where the files come from
COPY --from=0 /a /b
#           ^ hover: stage 0
