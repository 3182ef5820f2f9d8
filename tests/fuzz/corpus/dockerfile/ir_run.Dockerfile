# syntax=docker/dockerfile:1
FROM alpine AS tools
RUN apk add make
FROM alpine
ARG VERSION=3
ENV NAME=$VERSION-x
WORKDIR sub
RUN echo $NAME
RUN ["make", "all"]
RUN --mount=type=cache,target=/root/.cache,sharing=locked --mount=from=tools,target=/tools,source=/usr/bin \
    --mount=type=tmpfs,target=tmp,size=1m --mount=target=ctx make
RUN --mount=type=secret,id=token,env=TOKEN --mount=type=secret,id=file,target=/f,mode=0440,required \
    --mount=type=ssh --network=none echo $TOKEN
RUN --mount=type=cache,target=/c,uid=5,mode=0700 --security=insecure true
RUN <<EOF
set -e
make test
EOF
RUN <<-'PY'
	#!/usr/bin/env python3
	print("hello")
PY
RUN cat <<A <<B > /out
1
A
2
B
SHELL ["/bin/bash", "-c"]
RUN echo bash
