FROM a
COPY a b c /d/
COPY ["with blank", "/d e"]
COPY --parents --link=false ./x ./y /z
ADD --checksum=sha256:abc --keep-git-dir=TRUE --unpack=false https://example.com/x.tgz /x
COPY <<A <<-'B' plain /dest/
one $x
A
	two
	B
COPY ["<<JSON", "/j"]
ADD --chown=$u:$g a.tar /b
