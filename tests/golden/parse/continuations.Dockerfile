FROM \
    alpine

   # an indented comment
RUN one \
  # inside, left out
  two\
three  \   

  four \\
RUN last \
    # at the end
\
  LABEL a=1
ENV A="x \
y" B=z
RUN ends with the file \
