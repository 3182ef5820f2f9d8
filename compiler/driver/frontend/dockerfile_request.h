// What a Dockerfile frontend is asked: by a client of the engine in this process, or by a BuildKit daemon through the
// gateway API.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace loam::driver {

struct DockerfileRequest {
  // The frontend's option map, as BuildKit names it: "filename", "target", "build-arg:NAME", "platform", "label:KEY",
  // "no-cache", "context:NAME", "image-resolve-mode", … The client offers the local directories "context" and
  // "dockerfile" (the folder that holds `filename`); not if "context" is the URL of a git repository, of an archive or
  // of a lone Dockerfile. Beyond what BuildKit's frontend knows, "context:NAME" may be "target:STAGE": what that stage
  // of the same Dockerfile makes, without such contexts.
  std::map<std::string, std::string> options;
  // What other builds made, as serialised pb.Definitions: for "context:NAME" = "input:INPUT" (with the option
  // "input-metadata:INPUT"), or in the place of the directories "context" and "dockerfile".
  std::map<std::string, std::string> inputs;
  // Path of the Dockerfile as the user wrote it, for messages: "sub/Dockerfile", "<stdin>".
  std::string display_name;
  // 0: the graph of BuildKit's own frontend. 1: optimised.
  int optimization_level = 1;
  // Of the client, for its local directories; "" in the process of the client itself.
  std::string session_id;
  // What definitions may hold, by BuildKit's names of capabilities; nullopt: everything.
  std::optional<std::set<std::string, std::less<>>> llb_caps;
  // "os/arch[/variant]" of the worker; "": this machine's.
  std::string build_platform;
};

}  // namespace loam::driver
