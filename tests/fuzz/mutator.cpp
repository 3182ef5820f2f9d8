#include "tests/fuzz/mutator.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace loam::fuzz {
namespace {

using namespace std::string_view_literals;

// What random bytes would hardly ever hit.
constexpr std::array kWords = {
    "\n"sv,
    "\\\n"sv,
    "\r\n"sv,
    "\0"sv,
    "\xEF\xBB\xBF"sv,
    "\xFF"sv,
    "\xE2\x80\xA8"sv,
    "# escape=`\n"sv,
    "# syntax=a\n"sv,
    "#check=skip=all\n"sv,
    "FROM scratch\n"sv,
    "FROM alpine AS "sv,
    "FROM --platform="sv,
    "RUN --mount="sv,
    "type=bind,from="sv,
    "type=cache,target=/"sv,
    "type=secret,id=a,env=B"sv,
    "COPY --from="sv,
    "COPY --link "sv,
    "ADD --checksum=sha256:"sv,
    "ADD https://a.b/c /\n"sv,
    "--chmod="sv,
    "--chown="sv,
    "--exclude=**"sv,
    "--parents "sv,
    "ARG A="sv,
    "ENV A=$A "sv,
    "${A:-b}"sv,
    "${A:+"sv,
    "${A#*}"sv,
    "${A/a/b}"sv,
    "${A%%"sv,
    "ONBUILD "sv,
    "WORKDIR "sv,
    "HEALTHCHECK --interval=1s CMD "sv,
    "STOPSIGNAL 9\n"sv,
    "SHELL [\"a\"]\n"sv,
    "EXPOSE 1-3/tcp\n"sv,
    "VOLUME [\"/a\"]\n"sv,
    "<<EOF\n"sv,
    "<<-'EOF' "sv,
    "EOF\n"sv,
    "[\"a\", \"b\"]"sv,
    "\""sv,
    "'"sv,
    "$"sv,
    "`"sv,
    "{"sv,
    "}"sv,
    "["sv,
    "]"sv,
    "!"sv,
    "**"sv,
    "**/"sv,
    "../"sv,
    "[^a-z]"sv,
    "/"sv,
    ":"sv,
    "@sha256:"sv,
    "linux/arm/v7"sv,
    "linux(+a)/amd64"sv,
    "null"sv,
    "true"sv,
    "-1"sv,
    "0"sv,
    "1e99"sv,
    "18446744073709551615"sv,
    "9223372036854775807"sv,
    "-9223372036854775808"sv,
    "\"digest\":"sv,
    "\"size\":"sv,
    "\"mediaType\":"sv,
    "\"layers\":["sv,
    "\"manifests\":["sv,
    "\"rootfs\":{"sv,
    "GNU.sparse.map=0,1,2\n"sv,
    "18 GNU.sparse.major=1\n"sv,
    "path="sv,
    "ustar\0"
    "00"sv,
    "\x80\0\0\0\0\0\0\0"sv,
    "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"sv,
};

}  // namespace

void Mutator::Change(std::string* input, const std::vector<std::string>& corpus) {
  const std::size_t at = Below(input->size() + 1);
  const std::size_t length = std::min(input->size() - at, 1 + Below(Below(4) == 0 ? 600 : 16));
  switch (Below(10)) {
    case 0:
    case 1:
      input->insert(at, kWords[Below(kWords.size())]);
      break;
    case 2:
      input->replace(at, length, kWords[Below(kWords.size())]);
      break;
    case 3:
      input->erase(at, length);
      break;
    case 4:
      input->insert(Below(input->size() + 1), input->substr(at, length));
      break;
    case 5:
      if (at < input->size()) {
        (*input)[at] = static_cast<char>(static_cast<unsigned char>((*input)[at]) ^ (1U << Below(8)));
      }
      break;
    case 6:
      if (at < input->size()) {
        (*input)[at] = static_cast<char>(random_());
      }
      break;
    case 7:
      if (at < input->size()) {
        (*input)[at] = static_cast<char>((*input)[at] + static_cast<int>(Below(9)) - 4);
      }
      break;
    case 8: {
      const std::string& other = corpus[Below(corpus.size())];
      const std::size_t from = Below(other.size() + 1);
      input->insert(at, other.substr(from, 1 + Below(600)));
      break;
    }
    default: {
      // The head of this one and the tail of another one.
      const std::string& other = corpus[Below(corpus.size())];
      input->resize(at);
      *input += other.substr(Below(other.size() + 1));
      break;
    }
  }
}

std::string Mutator::Next(const std::vector<std::string>& corpus) {
  std::string input = corpus[Below(corpus.size())];
  const std::size_t changes = 1 + Below(Below(3) == 0 ? 16 : 4);
  for (std::size_t i = 0; i < changes; ++i) {
    Change(&input, corpus);
  }
  if (input.size() > max_size_) {
    input.resize(max_size_);
  }
  return input;
}

}  // namespace loam::fuzz
