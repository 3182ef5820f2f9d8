FROM a
RUN <<EOF
never ends
EOF x
