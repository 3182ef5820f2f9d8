# A file that is being typed: marks stand below what they are about.
FROM scratch AS first
#    ^ signature: FROM baseImage AS stage #0
#                 ^ complete: -
ENV NAME=value
# ^ hover: environment
#     ^ signature: ENV key=value #0
#         ^ signature: ENV key=value #1
RUN echo $NAME
#         ^ complete: $NAME, $NO_PROXY
FROM scratch
COPY --from=first --chown=1:2 /a /b
#    ^ complete: --chmod=mode
#           ^ complete: first
#                 ^ hover: -
#                    ^ hover: Owner
#                                ^ signature: COPY [flags] source ... dest #3
COPY src/*.c /c/
#    ^ hover: 2 files of the context
#           ^ hint: 2 files
#        ^ complete: main.c, util.c
#    ^ complete: src/
ADD ["src/main.c", "/d/"]
#    ^ signature: ADD [flags] [ "source", ..., "dest" ] #2
#                   ^ signature: ADD [flags] [ "source", ..., "dest" ] #4
COPY src/util.c /e
#    ^ link: src/util.c
RUN --mount=type=cache,target=/c true && false
#     ^ hover: What the command sees
#                       ^ hover: Where it is seen
#   ^ complete: --network=default
#                                ^ action: split into 2
HEALTHCHECK --interval=5s CMD true
#             ^ hover: Time between two checks
#^ hover: HEALTHCHECK
FROM gol
#       ^ complete: golang:1.22
RUN --mount=type=cache,id=shared,target=/c true
#                         ^ complete: modules
RUN <<END
echo
END
#<- hover: -
