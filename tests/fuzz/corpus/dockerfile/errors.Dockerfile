RUN before
ARG =x
FROM --platfrom=x a AS 1st
COPY --form=x a b
COPY --link=perhaps --chown a b
COPY --from=a --from=b c d
ADD --link= a b
COPY a <<EOF
EOF
ENV =x
VOLUME [""]
VOLUME []
RUN --network=hots true
RUN --security=none true
RUN --mount= true
RUN --mount=type=bind,"x true
RUN --mount=from=$x,target=/y true
RUN --device=a,b --device=a,name=b --device=a,required=2 --device=a,requird=1 true
HEALTHCHECK --interval=5 --timeout=1us --retries=-1 CMD x
HEALTHCHECK --retries=x CMD []
HEALTHCHECK --interval=1s NONE
ARG --flag X
STOPSIGNAL --flag 9
SHELL []
COPY ["one"]
USER --x u
