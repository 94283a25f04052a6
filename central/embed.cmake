# cmake -DIN=file -DOUT=file.c -DNAME=function -P embed.cmake: a C function that returns the file's bytes.
file(READ ${IN} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "/* Made from ${IN} by central/embed.cmake. */
#include \"central/server.h\"

static const unsigned char text[] = {\n${bytes}\n};

candor_bytes ${NAME}(void)
{
    return candor_bytes_of((const char *)text, sizeof text);
}
")
