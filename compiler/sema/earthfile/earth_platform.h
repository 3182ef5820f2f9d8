// Platforms as commands name them: a concrete one, `native` (where steps run), `user` (where the CLI runs), or nothing,
// which is the platform handed down by the referencing command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/platform.h"
#include "base/result.h"

namespace loam::sema::earthfile {

class EarthPlatform {
 public:
  enum class Form : std::uint8_t { kDefault, kNative, kUser, kConcrete };

  static EarthPlatform Default() { return EarthPlatform(Form::kDefault); }
  static EarthPlatform Native() { return EarthPlatform(Form::kNative); }
  static EarthPlatform User() { return EarthPlatform(Form::kUser); }
  static EarthPlatform Concrete(Platform platform);

  [[nodiscard]] Form form() const { return form_; }
  [[nodiscard]] bool IsDefault() const { return form_ == Form::kDefault; }
  // "linux/arm64", "native", "user", "" for the default.
  [[nodiscard]] std::string ToString() const;
  // Valid if the form is kConcrete.
  [[nodiscard]] const Platform& concrete() const { return concrete_; }
  friend bool operator==(const EarthPlatform&, const EarthPlatform&) = default;

 private:
  explicit EarthPlatform(Form form) : form_(form) {}
  Form form_;
  Platform concrete_;
};

// "", "native", "user" (both only where the file has the feature new-platform), or a specifier.
Result<EarthPlatform> ParseEarthPlatform(std::string_view text, bool native_and_user);

// The platforms of one target's evaluation. A value: a referenced target gets its own by ForTarget.
class PlatformResolver {
 public:
  PlatformResolver(Platform native, Platform user);

  // For a target referenced with `platform`: it becomes its default and current one; the default passes this one's on.
  [[nodiscard]] PlatformResolver ForTarget(const EarthPlatform& platform) const;
  // FROM --platform: sets the current platform (the default one for kDefault) and returns it.
  EarthPlatform SetCurrent(const EarthPlatform& platform);
  // What a command of this target without --platform uses: the current one.
  [[nodiscard]] EarthPlatform OrCurrent(const EarthPlatform& platform) const;

  [[nodiscard]] const EarthPlatform& current() const { return current_; }
  [[nodiscard]] const EarthPlatform& default_platform() const { return default_; }
  [[nodiscard]] const Platform& native() const { return native_; }
  [[nodiscard]] const Platform& user() const { return user_; }

  // The concrete platform; the default is native.
  [[nodiscard]] Platform Materialize(const EarthPlatform& platform) const;
  [[nodiscard]] Platform Current() const { return Materialize(current_); }
  [[nodiscard]] bool IsNative(const EarthPlatform& platform) const;

 private:
  EarthPlatform current_ = EarthPlatform::Default();
  EarthPlatform default_ = EarthPlatform::Default();
  Platform native_;
  Platform user_;
};

}  // namespace loam::sema::earthfile
