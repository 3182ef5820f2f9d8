// loam image import|ls|rm: the local image store.
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/print.h"
#include "base/strings.h"
#include "cli/commands/common.h"
#include "cli/commands/verbs.h"
#include "runtime-executor/content/content_store.h"
#include "runtime-executor/source/image_store.h"

namespace loam::cli {

namespace {

constexpr Flag kFlags[] = {
    {.name = "tag",
     .short_name = 't',
     .kind = FlagKind::kList,
     .value_name = "NAME[:TAG]",
     .help = "import: the image's name (a rootfs tar needs one)"},
    {.name = "rootfs",
     .short_name = 0,
     .kind = FlagKind::kBool,
     .value_name = {},
     .help = "import: take the tar as a root filesystem even if it looks like an image"},
    {.name = "platform",
     .short_name = 0,
     .kind = FlagKind::kString,
     .value_name = "OS/ARCH",
     .help = "import: platform of a rootfs (default: this machine's)"},
    {.name = "quiet", .short_name = 'q', .kind = FlagKind::kBool, .value_name = {}, .help = "ls: names only"},
    kRootFlag,
};

constexpr std::string_view kDefaultDomain = "docker.io/";
constexpr std::string_view kDefaultRepository = "library/";

// "docker.io/library/app:latest" as people write it: "app:latest".
std::string FamiliarName(std::string_view name) {
  if (name.starts_with(kDefaultDomain)) {
    name.remove_prefix(kDefaultDomain.size());
    if (name.starts_with(kDefaultRepository)) {
      name.remove_prefix(kDefaultRepository.size());
    }
  }
  return std::string(name);
}

Exit Import(Context& context, const Flags& flags, source::ImageStore& images) {
  if (flags.positional().size() != 2) {
    return UsageError(context, kImageCommand,
                      Error(ErrorCode::kInvalidArgument, "`loam image import` takes one FILE, folder or `-`"));
  }
  source::ImportOptions options{
      .path = flags.positional()[1], .names = flags.List("tag"), .rootfs = flags.Bool("rootfs")};
  if (flags.Has("platform")) {
    const Result<Platform> platform = ParsePlatform(flags.String("platform"));
    if (!platform) {
      return UsageError(context, kImageCommand, platform.error());
    }
    options.platform = *platform;
  }
  const auto imported = images.Import(options, context.stop);
  if (!imported) {
    PrintError(context, imported.error());
    return imported.error().Is(ErrorCode::kCanceled) ? Exit::kInterrupted : Exit::kFailed;
  }
  for (const source::StoredImage& image : *imported) {
    PrintTo(context.out, "{} {}\n", FamiliarName(image.name), image.target.digest.ToString());
  }
  return Exit::kOk;
}

Exit List(Context& context, const Flags& flags, source::ImageStore& images) {
  const auto list = images.List();
  if (!list) {
    PrintError(context, list.error());
    return Exit::kFailed;
  }
  if (!flags.Bool("quiet")) {
    PrintTo(context.out, "{:<40} {:<20} {:>10}  {}\n", "NAME", "DIGEST", "SIZE", "UPDATED");
  }
  for (const source::StoredImage& image : *list) {
    const std::string name = FamiliarName(image.name);
    if (flags.Bool("quiet")) {
      PrintTo(context.out, "{}\n", name);
      continue;
    }
    const auto size = images.SizeOf(image);
    if (!size) {
      PrintError(context, size.error());
      return Exit::kFailed;
    }
    PrintTo(context.out, "{:<40} {:<20} {:>10}  {}\n", name, image.target.digest.ToString().substr(0, 19),
            HumanBytes(*size), FormatRfc3339(std::chrono::floor<std::chrono::seconds>(image.updated)));
  }
  return Exit::kOk;
}

Exit RemoveImages(Context& context, const Flags& flags, source::ImageStore& images) {
  if (flags.positional().size() < 2) {
    return UsageError(context, kImageCommand,
                      Error(ErrorCode::kInvalidArgument, "`loam image rm` takes names of images"));
  }
  Exit exit = Exit::kOk;
  for (std::size_t i = 1; i < flags.positional().size(); ++i) {
    const std::string& name = flags.positional()[i];
    const Result<bool> removed = images.Remove(name);
    if (removed && *removed) {
      PrintTo(context.out, "removed {}\n", name);
      continue;
    }
    PrintError(context, removed ? Error(ErrorCode::kNotFound, fmt::format("no image is named `{}`", name))
                                      .WithHint("`loam image ls` lists the images")
                                : removed.error());
    exit = Exit::kFailed;
  }
  return exit;
}

Exit Run(Context& context, const Flags& flags) {
  const std::string verb = flags.positional().empty() ? std::string() : flags.positional()[0];
  if (verb != "import" && verb != "ls" && verb != "list" && verb != "rm") {
    return UsageError(context, kImageCommand,
                      Error(ErrorCode::kInvalidArgument, verb.empty() ? std::string("name what to do: import, ls or rm")
                                                                      : fmt::format("unknown subcommand `{}`", verb)));
  }
  const auto engine = OpenEngine(context, flags);
  if (!engine) {
    PrintError(context, engine.error());
    return Exit::kFailed;
  }
  source::ImageStore& images = (*engine)->images();
  if (verb == "import") {
    return Import(context, flags, images);
  }
  return verb == "rm" ? RemoveImages(context, flags, images) : List(context, flags, images);
}

}  // namespace

const Command kImageCommand = {
    .name = "image",
    .summary = "import, list and remove images of the local store",
    .usage =
        "loam image import [-t NAME] FILE|DIR|-   (OCI layout, `docker save` archive, or tar of a root filesystem)\n"
        "       loam image ls\n       loam image rm NAME...",
    .flags = kFlags,
    .run = Run};

}  // namespace loam::cli
