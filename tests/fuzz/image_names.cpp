// Image references and platforms, one a line: what is printed must be read as the same thing.
#include <string_view>

#include "base/check.h"
#include "base/digest.h"
#include "base/image_reference.h"
#include "base/platform.h"
#include "base/strings.h"
#include "tests/fuzz/target.h"

namespace {

using namespace loam;

void TryReference(std::string_view text) {
  const auto reference = ParseImageReference(text);
  if (!reference) {
    return;
  }
  const auto again = ParseImageReference(reference->ToString());
  LOAM_CHECK(again && *again == *reference, "a reference changes when printed");
  // The short form may mean something else ("docker.io/a.b/c" is shown as "a.b/c"), as upstream's does.
  static_cast<void>(ParseImageReference(reference->Familiar()));
  const ImageReference tagged = reference->WithDefaultTag();
  LOAM_CHECK(!tagged.tag.empty() || !tagged.digest.empty(), "no default tag");
}

void TryPlatform(std::string_view text) {
  const auto platform = ParsePlatform(text);
  if (!platform) {
    return;
  }
  const Platform normal = NormalizePlatform(*platform);
  LOAM_CHECK(NormalizePlatform(normal) == normal, "a normal form is not normal");
  static_cast<void>(FormatPlatformAll(*platform));
  const PlatformMatcher matcher(normal);
  // A Windows version that is no version matches nothing.
  LOAM_CHECK(matcher.Matches(normal) || !normal.os_version.empty(), "a platform does not match itself");
  LOAM_CHECK(!matcher.Less(normal, normal), "a platform suits better than itself");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::string_view line : Split(std::string_view(reinterpret_cast<const char*>(data), size), '\n')) {
    TryReference(line);
    TryPlatform(line);
    static_cast<void>(Digest::Parse(line));
  }
  return 0;
}
