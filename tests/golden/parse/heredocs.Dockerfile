FROM alpine
RUN <<EOF
echo one
# not a comment
EOF
RUN <<-"QUOTED" cat >/a
	keep	tab
	QUOTED
RUN 3<<ONE 4<<'TWO' cat <&3 <&4
first
ONE
second
TWO
COPY <<a.txt <<b.txt /dir/
content of a
a.txt
content of b
b.txt
ADD --chmod=644 <<E /f
E
RUN ["<<EOF"]
RUN echo "<<EOF" '<<X' \<<Y
Y
ONBUILD RUN <<EOF
in a trigger
EOF
RUN cat <<  SPACED \
  && true
body
SPACED
RUN cat <<< here-string && echo ${x:-<<no}
CMD <<EOF
