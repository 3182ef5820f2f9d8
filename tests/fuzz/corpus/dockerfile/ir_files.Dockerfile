FROM alpine AS src
FROM alpine
ARG DIR=lib
USER app:staff
WORKDIR /app/
COPY a b $DIR/
COPY --chown=1000 --chmod=0755 x .
COPY --from=src --link /bin/sh /etc/../bin/
COPY --parents a/./b/*.c /out/
COPY --exclude=*.o --chmod=u+x,go= . /all
COPY --from=alpine --chown=app:root ["/a", "/with space/"]
ADD archive.tar.gz /
ADD --unpack=false archive.tar.gz /keep/
ADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/dir/file.tgz?x=1 /dl/
ADD --keep-git-dir https://github.com/moby/buildkit.git#v0.12:docs /git
ADD git@github.com:moby/moby.git?submodules=false /ssh
COPY <<one <<-"two" /docs/
$DIR
one
	$DIR
	two
