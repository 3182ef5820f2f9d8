#include "compiler/sema/earthfile/earth_platform.h"

#include "base/check.h"

namespace loam::sema::earthfile {

EarthPlatform EarthPlatform::Concrete(Platform platform) {
  EarthPlatform result(Form::kConcrete);
  result.concrete_ = NormalizePlatform(std::move(platform));
  return result;
}

std::string EarthPlatform::ToString() const {
  switch (form_) {
    case Form::kDefault:
      return "";
    case Form::kNative:
      return "native";
    case Form::kUser:
      return "user";
    case Form::kConcrete:
      return concrete_.ToString();
  }
  LOAM_UNREACHABLE("form of a platform");
}

Result<EarthPlatform> ParseEarthPlatform(std::string_view text, bool native_and_user) {
  if (text.empty()) {
    return EarthPlatform::Default();
  }
  if (native_and_user && text == "native") {
    return EarthPlatform::Native();
  }
  if (native_and_user && text == "user") {
    return EarthPlatform::User();
  }
  return EarthPlatform::Concrete(LOAM_TRY(ParsePlatform(text)));
}

PlatformResolver::PlatformResolver(Platform native, Platform user)
    : native_(NormalizePlatform(std::move(native))), user_(NormalizePlatform(std::move(user))) {}

PlatformResolver PlatformResolver::ForTarget(const EarthPlatform& platform) const {
  PlatformResolver result = *this;
  result.default_ = platform.IsDefault() ? default_ : platform;
  result.current_ = result.default_;
  return result;
}

EarthPlatform PlatformResolver::SetCurrent(const EarthPlatform& platform) {
  current_ = platform.IsDefault() ? default_ : platform;
  return current_;
}

EarthPlatform PlatformResolver::OrCurrent(const EarthPlatform& platform) const {
  return platform.IsDefault() ? current_ : platform;
}

Platform PlatformResolver::Materialize(const EarthPlatform& platform) const {
  switch (platform.form()) {
    case EarthPlatform::Form::kDefault:
    case EarthPlatform::Form::kNative:
      return native_;
    case EarthPlatform::Form::kUser:
      return user_;
    case EarthPlatform::Form::kConcrete:
      return platform.concrete();
  }
  LOAM_UNREACHABLE("form of a platform");
}

bool PlatformResolver::IsNative(const EarthPlatform& platform) const {
  const Platform concrete = Materialize(platform);
  return concrete.os == native_.os && concrete.architecture == native_.architecture &&
         concrete.variant == native_.variant;
}

}  // namespace loam::sema::earthfile
