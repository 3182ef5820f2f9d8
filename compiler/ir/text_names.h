// Names of the enums of attributes.h in the text form.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "compiler/ir/attributes.h"

namespace loam::ir {

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};

template <class E>
struct EnumNames;
template <>
struct EnumNames<MountKind> {
  static constexpr auto kNames = std::to_array<EnumName<MountKind>>({{MountKind::kBind, "bind"},
                                                                     {MountKind::kSecret, "secret"},
                                                                     {MountKind::kSsh, "ssh"},
                                                                     {MountKind::kCache, "cache"},
                                                                     {MountKind::kTmpfs, "tmpfs"}});
};
template <>
struct EnumNames<CacheSharing> {
  static constexpr auto kNames = std::to_array<EnumName<CacheSharing>>(
      {{CacheSharing::kShared, "shared"}, {CacheSharing::kPrivate, "private"}, {CacheSharing::kLocked, "locked"}});
};
template <>
struct EnumNames<ContentCache> {
  static constexpr auto kNames = std::to_array<EnumName<ContentCache>>(
      {{ContentCache::kDefault, "default"}, {ContentCache::kOn, "on"}, {ContentCache::kOff, "off"}});
};
template <>
struct EnumNames<Network> {
  static constexpr auto kNames = std::to_array<EnumName<Network>>(
      {{Network::kSandbox, "sandbox"}, {Network::kHost, "host"}, {Network::kNone, "none"}});
};
template <>
struct EnumNames<Security> {
  static constexpr auto kNames =
      std::to_array<EnumName<Security>>({{Security::kSandbox, "sandbox"}, {Security::kInsecure, "insecure"}});
};
template <>
struct EnumNames<FileActionKind> {
  static constexpr auto kNames = std::to_array<EnumName<FileActionKind>>({{FileActionKind::kCopy, "copy"},
                                                                          {FileActionKind::kMkfile, "mkfile"},
                                                                          {FileActionKind::kMkdir, "mkdir"},
                                                                          {FileActionKind::kRm, "rm"},
                                                                          {FileActionKind::kSymlink, "symlink"}});
};

template <class E>
std::string_view NameOf(E value) {
  for (const auto& entry : EnumNames<E>::kNames) {
    if (entry.value == value) {
      return entry.name;
    }
  }
  return "?";
}

template <class E>
std::optional<E> ValueOf(std::string_view name) {
  for (const auto& entry : EnumNames<E>::kNames) {
    if (entry.name == name) {
      return entry.value;
    }
  }
  return std::nullopt;
}

}  // namespace loam::ir
