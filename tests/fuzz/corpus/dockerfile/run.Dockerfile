FROM a
RUN --mount=type=cache,target=/root/.cache,"id=a,b",ro --mount=from=build,Source=/x,target=/y make
RUN --network=none --security=insecure --device=vendor.com/class=name,required=true --device=name=d true
RUN <<EOF
#!/bin/sh
echo
EOF
RUN <<EOF cat
x
EOF
RUN ["exec", "form"]
RUN
CMD []
ENTRYPOINT "shell" form
SHELL ["a", "b"]
HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=1.5s --start-interval=2h --retries=3 CMD ["x", "y"]
HEALTHCHECK CMD curl "x"
HEALTHCHECK NONE
