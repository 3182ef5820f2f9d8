FROM alpine
MAINTAINER Jane <jane@example.com>
LABEL a=1 "b c"="d $BASE" a=2
ENV X=1 Y="two words" PATH=/opt:$PATH
ENV OLD style value
EXPOSE 80 8000-8002/udp 443/TCP
VOLUME ["/data", "/var/log"]
VOLUME $BASE /b
USER nobody
STOPSIGNAL SIGINT
HEALTHCHECK --interval=1m30s --timeout=3s --retries=2 CMD curl -f http://localhost/
SHELL ["/bin/ash", "-eo", "pipefail", "-c"]
ENTRYPOINT exec top -b
CMD ["-n", "1", "<&>\""]
ONBUILD RUN echo later
