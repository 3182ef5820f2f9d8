// The types of IR values and the effects of IR ops.
#pragma once

#include <cstdint>
#include <string_view>

namespace loam::ir {

enum class Type : std::uint8_t {
  kFs,        // a filesystem tree; scratch is the empty Value
  kImage,     // an OCI image config
  kStr,       // text
  kInt,       // a 64-bit signed number
  kArtifact,  // a file or directory taken out of a filesystem
  kPlatform,  // os/arch[/variant]
};

// What running an op may depend on or change, besides its operands and attributes.
enum class Effect : std::uint8_t {
  kPure,     // nothing
  kNetwork,  // reads something remote
  kExec,     // runs a program
  kHost,     // reads something of the user's machine
};

// "fs", "image", ...
std::string_view TypeName(Type type);
std::string_view EffectName(Effect effect);

}  // namespace loam::ir
