#include "runtime-executor/source/http/http_names.h"

#include <gtest/gtest.h>

namespace loam::source {
namespace {

TEST(SafeFileName, IsOneNameInADirectory) {
  EXPECT_EQ(SafeFileName("a.txt"), "a.txt");
  EXPECT_EQ(SafeFileName("  x/y/z.txt "), "z.txt");
  EXPECT_EQ(SafeFileName("name with spaces"), "name with spaces");
  EXPECT_EQ(SafeFileName("資料.txt"), "資料.txt");
  EXPECT_EQ(SafeFileName("dir/"), "dir");
  for (const char* const bad : {"", ".", "..", "../", "/", "//", "a\nb", "x/.."}) {
    EXPECT_EQ(SafeFileName(bad), "download") << bad;
  }
  EXPECT_EQ(SafeFileName(std::string_view("a\0b", 3)), "download");
}

TEST(DispositionFileName, ReadsParameters) {
  EXPECT_EQ(DispositionFileName("attachment; filename=a.txt"), "a.txt");
  EXPECT_EQ(DispositionFileName("attachment; filename=\"a \\\"b\\\".txt\"; size=3"), "a \"b\".txt");
  EXPECT_EQ(DispositionFileName("attachment; FileName=x; filename*=UTF-8''na%C3%AFve.txt"), "naïve.txt");
  EXPECT_EQ(DispositionFileName("attachment; filename*=utf-8''%zz"), "");
  EXPECT_EQ(DispositionFileName("attachment"), "");
  EXPECT_EQ(DispositionFileName("attachment; filename=\"open"), "");
  EXPECT_EQ(DispositionFileName(""), "");
}

TEST(DownloadFileName, PrefersWhatWasAskedFor) {
  EXPECT_EQ(DownloadFileName("http://h/a/b.tar?x=/c", "", ""), "b.tar");
  EXPECT_EQ(DownloadFileName("http://h/a/b%20c", "", ""), "b c");
  EXPECT_EQ(DownloadFileName("http://h/a/%2e%2e", "", ""), "download");
  EXPECT_EQ(DownloadFileName("http://h", "", ""), "download");
  EXPECT_EQ(DownloadFileName("http://h/x", "", "attachment; filename=../../etc/passwd"), "passwd");
  EXPECT_EQ(DownloadFileName("http://h/x", "", "attachment; filename=dir/"), "x");
  EXPECT_EQ(DownloadFileName("http://h/x", "wanted", "attachment; filename=y"), "wanted");
}

TEST(HttpTime, AllThreeFormats) {
  for (const char* const text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 UTC",
                                 "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"}) {
    EXPECT_EQ(ParseHttpTime(text), 784111777) << text;
  }
  for (const char* const text :
       {"", "x", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 36 Nov 1994 08:49:37 GMT", "Sun, 06 Xyz 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49 GMT"}) {
    EXPECT_EQ(ParseHttpTime(text), std::nullopt) << text;
  }
  EXPECT_EQ(FormatHttpTime(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(FormatHttpTime(0), "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST(Etag, WeakOnesAreCompared) {
  EXPECT_EQ(EtagValue("W/\"x\""), "\"x\"");
  EXPECT_EQ(EtagValue("\"x\""), "\"x\"");
}

TEST(UrlHostName, HasNoPortAndNoUser) {
  EXPECT_EQ(UrlHostName("https://u:p@host.example:8443/x"), "host.example");
  EXPECT_EQ(UrlHostName("http://[::1]:80/"), "::1");
  EXPECT_EQ(UrlHostName("http://host"), "host");
  EXPECT_EQ(UrlHostName("http:///x"), "");
}

}  // namespace
}  // namespace loam::source
