#include "compiler/sema/earthfile/docker_script.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/strings.h"

namespace loam::sema::earthfile {
namespace {

constexpr std::string_view kInstall = R"sh(set -eu
has() { command -v "$1" >/dev/null 2>&1; }
has_compose() { has docker-compose || docker compose version >/dev/null 2>&1; }
if has docker && has dockerd && { [ "$compose" = 0 ] || has_compose; }; then
  exit 0
fi
echo "Docker is not in the image: installing it. Use an image that has it to save the time." >&2
distribution=
if [ -f /etc/os-release ]; then
  distribution=$(. /etc/os-release && echo "$ID")
fi
case "$distribution" in
  alpine)
    apk add --no-cache docker
    [ "$compose" = 0 ] || apk add --no-cache docker-cli-compose || apk add --no-cache docker-compose
    ;;
  amzn)
    yum install -y docker
    ;;
  *)
    export DEBIAN_FRONTEND=noninteractive
    apt-get update
    apt-get install -y --no-install-recommends docker.io iptables iproute2 ca-certificates
    [ "$compose" = 0 ] || apt-get install -y --no-install-recommends docker-compose
    ;;
esac
)sh";

constexpr std::string_view kComposeCommand = R"sh(compose() {
  export COMPOSE_HTTP_TIMEOUT=600 COMPOSE_PROJECT_NAME=default
  if command -v docker-compose >/dev/null 2>&1; then
    docker-compose $compose_files "$@"
  else
    docker compose $compose_files "$@"
  fi
}
)sh";

// Runs the script again in a network of its own: the daemon's bridges and rules are no business of the machine. A pair
// of interfaces leads out of it, and the machine translates addresses.
constexpr std::string_view kNetwork = R"sh(set -eu
if [ "${LOAM_DOCKER_NETWORK:-}" = "" ]; then
  if ! command -v ip >/dev/null 2>&1 || ! unshare -n true 2>/dev/null; then
    echo "WITH DOCKER: the image has no \`ip\` or \`unshare\`: the daemon shares the network of the machine" >&2
    LOAM_DOCKER_NETWORK=shared
  else
    LOAM_DOCKER_NETWORK=outer
  fi
fi
export LOAM_DOCKER_NETWORK
if [ "$LOAM_DOCKER_NETWORK" = outer ]; then
  calls=$(mktemp -d)
  mkfifo "$calls/up" "$calls/down"
  LOAM_DOCKER_NETWORK=$calls unshare -n /bin/sh "$0" "$@" &
  inner=$!
  read -r _ <"$calls/up"
  net=
  leave() {
    [ -n "$net" ] || return 0
    iptables -t nat -D POSTROUTING -s "$net.0/30" -j MASQUERADE 2>/dev/null || true
    iptables -D FORWARD -s "$net.0/30" -j ACCEPT 2>/dev/null || true
    iptables -D FORWARD -d "$net.0/30" -j ACCEPT 2>/dev/null || true
    ip link del "$link" 2>/dev/null || true
  }
  # Other builds do the same at the same time: whoever makes the interface has the addresses.
  number=$((($(date +%s) + $$ * 97) % 12000))
  for _ in 1 2 3 4 5 6 7 8; do
    number=$(((number + 1) % 12000))
    link=loam$number
    if ip link add "$link" type veth peer name eth0 netns "$inner" 2>/dev/null; then
      net=10.$((203 + number / 250)).$((number % 250))
      ip addr add "$net.1/30" dev "$link" 2>/dev/null && ip link set "$link" up || true
      echo 1 >/proc/sys/net/ipv4/ip_forward 2>/dev/null || true
      iptables -t nat -A POSTROUTING -s "$net.0/30" -j MASQUERADE 2>/dev/null || true
      iptables -I FORWARD -s "$net.0/30" -j ACCEPT 2>/dev/null || true
      iptables -I FORWARD -d "$net.0/30" -j ACCEPT 2>/dev/null || true
      break
    fi
  done
  echo "$net" >"$calls/down"
  code=0
  wait "$inner" || code=$?
  leave
  rm -rf "$calls"
  exit "$code"
fi
if [ "$LOAM_DOCKER_NETWORK" != shared ]; then
  echo ready >"$LOAM_DOCKER_NETWORK/up"
  read -r net <"$LOAM_DOCKER_NETWORK/down" || true
  ip link set lo up
  if [ -n "$net" ]; then
    ip addr add "$net.2/30" dev eth0 && ip link set eth0 up && ip route add default via "$net.1" || true
  fi
fi
unset LOAM_DOCKER_NETWORK
)sh";

constexpr std::string_view kStart = R"sh(set -eu
if [ -f /usr/share/earthly/dockerd-wrapper-pre-script ]; then
  /usr/share/earthly/dockerd-wrapper-pre-script
fi
wipe() {
  if [ "$keep" = 0 ]; then
    rm -rf "$data"/* 2>/dev/null || true
  fi
}
log=/var/log/docker.log
mkdir -p /var/log "$data" /etc/docker
wipe
rm -f /var/run/docker.pid
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  # The daemon makes groups below this one, which must then hold no processes itself.
  mkdir -p /sys/fs/cgroup/loam-docker
  echo $$ >/sys/fs/cgroup/loam-docker/cgroup.procs || true
  echo 1 >/sys/fs/cgroup/loam-docker/cgroup.procs || true
elif ! grep -q ' /sys/fs/cgroup/' /proc/self/mountinfo; then
  # Hierarchies of cgroups v1, as this host joins them: the daemon asks for the one of devices.
  mount -t tmpfs -o mode=0755 cgroup /sys/fs/cgroup
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    group=/sys/fs/cgroup/${controllers#name=}
    case $controllers in name=*) controllers=none,$controllers ;; esac
    mkdir -p "$group"
    mount -t cgroup -o "$controllers" cgroup "$group" 2>/dev/null || rmdir "$group"
  done </proc/self/cgroup
fi
dockerd --data-root "$data" --exec-root /run/loam-dockerd --bip 172.20.0.1/16 \
  --default-address-pool base=172.21.0.0/16,size=24 --default-address-pool base=172.22.0.0/16,size=24 >"$log" 2>&1 &
daemon=$!
stop() {
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  wipe
}
tries=0
until docker ps >/dev/null 2>&1; do
  tries=$((tries + 1))
  if ! kill -0 "$daemon" 2>/dev/null || [ "$tries" -gt 1200 ]; then
    echo "ERROR: the Docker daemon did not start. The last lines of its log:" >&2
    grep -v level=info "$log" | tail -n 15 >&2
    stop
    exit 1
  fi
  sleep 0.25 2>/dev/null || sleep 1
done
# An image as `docker save` would write it, unpacked. Nothing is sent of an image that the daemon has, and no layer that
# it has in the same place of another image.
load() {
  if ! docker image inspect "$(cat "$1/image-id")" >/dev/null 2>&1; then
    known=$(docker image ls -aq --no-trunc | sort -u |
      xargs -r docker image inspect --format '/{{range .RootFS.Layers}}{{.}},{{end}}')
    chain=/
    : >/tmp/loam-docker-known
    while read -r layer file; do
      chain=$chain$layer,
      case $known in *"$chain"*) echo "./$file" >>/tmp/loam-docker-known ;; *) break ;; esac
    done <"$1/layers"
    tar -C "$1" -X /tmp/loam-docker-known -cf - . | docker load >/dev/null || tar -C "$1" -cf - . | docker load >/dev/null
    rm -f /tmp/loam-docker-known
  fi
  docker tag "$(cat "$1/image-id")" "$2"
}
fail() {
  echo "ERROR: $1" >&2
  stop
  exit 1
}
)sh";

constexpr std::string_view kRun = R"sh(export EARTHLY_WITH_DOCKER=1 EARTH_WITH_DOCKER=1
set +e
"$@"
code=$?
)sh";

std::string ComposeFiles(const DockerScript& script) {
  std::string files;
  for (const std::string& file : script.compose_files) {
    files += fmt::format(" -f {}", file);
  }
  return fmt::format("compose_files={}\n{}", ShellQuote(files), kComposeCommand);
}

}  // namespace

std::string ShellQuote(std::string_view text) {
  std::string out = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      out += "'\\''";
    } else {
      out += letter;
    }
  }
  return out + "'";
}

std::string InstallScript(bool compose) {
  return fmt::format("compose={}\n{}", compose ? 1 : 0, kInstall);
}

std::string DaemonScript(const DockerScript& script) {
  std::string out(kNetwork);
  out += fmt::format("data={}\nkeep={}\n", kDockerData, script.keep_data ? 1 : 0);
  out += kStart;
  for (const ScriptImage& image : script.images) {
    if (!image.files) {
      out += fmt::format("load {} {} || fail {}\n", ShellQuote(image.directory), ShellQuote(image.name),
                         ShellQuote(fmt::format("loading {} failed", image.name)));
      continue;
    }
    std::string changes;
    for (const std::string& change : image.changes) {
      changes += fmt::format(" --change {}", ShellQuote(change));
    }
    out += fmt::format("tar -C {} -cf - . | docker import{} - {} >/dev/null || fail {}\n", ShellQuote(image.directory),
                       changes, ShellQuote(image.name), ShellQuote(fmt::format("loading {} failed", image.name)));
  }
  if (!script.compose_files.empty()) {
    std::string services;
    for (const std::string& service : script.services) {
      services += " " + ShellQuote(service);
    }
    out += ComposeFiles(script);
    out += fmt::format("compose up -d{} || fail 'the services did not start'\n", services);
  }
  out += kRun;
  if (!script.compose_files.empty()) {
    out += "compose down --remove-orphans\n";
  }
  out += "stop\nexit $code\n";
  return out;
}

std::string ComposeConfigScript(const DockerScript& script) {
  return "set -eu\n" + ComposeFiles(script) + "compose config\n";
}

std::vector<std::string> ImagesOfComposeConfig(std::string_view yaml, const std::vector<std::string>& services) {
  // The command writes it in one form: two blanks a level, one key a line.
  std::vector<std::string> images;
  bool in_services = false;
  bool wanted = false;
  for (const std::string_view line : Split(yaml, '\n')) {
    const std::string_view text = TrimSpace(line);
    if (text.empty() || text.starts_with('#')) {
      continue;
    }
    const std::size_t indent = line.find_first_not_of(' ');
    const auto pair = SplitOnce(text, ':');
    if (!pair) {
      continue;
    }
    if (indent == 0) {
      in_services = pair->first == "services";
    } else if (in_services && indent == 2) {
      std::string_view name = pair->first;
      if (name.size() > 1 && (name.front() == '"' || name.front() == '\'')) {
        name = name.substr(1, name.size() - 2);
      }
      wanted = services.empty() || std::find(services.begin(), services.end(), name) != services.end();
    } else if (in_services && indent == 4 && wanted && pair->first == "image") {
      std::string_view image = TrimSpace(pair->second);
      if (image.size() > 1 && (image.front() == '"' || image.front() == '\'')) {
        image = image.substr(1, image.size() - 2);
      }
      if (!image.empty() && std::find(images.begin(), images.end(), image) == images.end()) {
        images.emplace_back(image);
      }
    }
  }
  return images;
}

}  // namespace loam::sema::earthfile
