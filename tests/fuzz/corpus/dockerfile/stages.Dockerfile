# base the image to start from
ARG base=alpine TAG
# Build compiles
# it all

#
# build compiles the program
# and more
  # indented
FROM --platform=linux/amd64 ${base}:${TAG} as Build
# VERSION of the program
ARG VERSION=1
RUN make \

    all
FROM scratch
COPY --from=build --link --chmod=0755 --exclude=*.o --exclude="*.a b" /out /
ENV A=1
