FROM alpine:3.20
EXPOSE http
STOPSIGNAL SIGTREM
COPY --chmod=u+rwz app /app
USER ${NOBODY}
