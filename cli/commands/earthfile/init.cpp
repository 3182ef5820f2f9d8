// `loam init`: an Earthfile to start from, made for what lies in the directory.
#include <unistd.h>

#include <fmt/format.h>

#include "base/file_system.h"
#include "base/print.h"
#include "cli/commands/earthfile/earth_verbs.h"

namespace loam::cli {
namespace {

struct Template {
  std::string_view marker;  // a file that tells the kind of project
  std::string_view kind;
  std::string_view text;
};

constexpr Template kTemplates[] = {
    {"go.mod", "Go", R"(VERSION 0.8
FROM golang:1.22-alpine
WORKDIR /src

deps:
    COPY go.mod go.sum* ./
    CACHE /go/pkg/mod
    RUN go mod download

build:
    FROM +deps
    COPY . .
    CACHE /root/.cache/go-build
    RUN mkdir -p /out && go build -o /out/ ./...
    SAVE ARTIFACT /out AS LOCAL build/out

test:
    FROM +deps
    COPY . .
    CACHE /root/.cache/go-build
    RUN go test ./...

all:
    BUILD +test
    BUILD +build
)"},
    {"Cargo.toml", "Rust", R"(VERSION 0.8
FROM rust:1-slim
WORKDIR /src

sources:
    COPY . .
    CACHE /usr/local/cargo/registry
    CACHE --id=rust-target /src/target

build:
    FROM +sources
    CACHE /usr/local/cargo/registry
    CACHE --id=rust-target /src/target
    RUN cargo build --release && mkdir -p /out && find target/release -maxdepth 1 -type f -executable -exec cp {} /out/ \;
    SAVE ARTIFACT /out AS LOCAL build/out

test:
    FROM +sources
    CACHE /usr/local/cargo/registry
    CACHE --id=rust-target /src/target
    RUN cargo test

all:
    BUILD +test
    BUILD +build
)"},
    {"package.json", "Node.js", R"(VERSION 0.8
FROM node:22-alpine
WORKDIR /src

deps:
    COPY package.json package-lock.json* ./
    CACHE /root/.npm
    RUN npm install
    SAVE ARTIFACT node_modules

build:
    FROM +deps
    COPY . .
    RUN npm run build --if-present

test:
    FROM +deps
    COPY . .
    RUN npm test --if-present

all:
    BUILD +test
    BUILD +build
)"},
    {"CMakeLists.txt", "CMake", R"(VERSION 0.8
FROM debian:bookworm-slim
WORKDIR /src

tools:
    RUN apt-get update && apt-get install -y --no-install-recommends g++ cmake ninja-build && rm -rf /var/lib/apt/lists/*

build:
    FROM +tools
    COPY . .
    CACHE --id=cmake-build /build
    RUN cmake -S . -B /build -G Ninja && cmake --build /build && mkdir -p /out && cmake --install /build --prefix /out
    SAVE ARTIFACT /out AS LOCAL build/out

test:
    FROM +build
    CACHE --id=cmake-build /build
    RUN cd /build && ctest --output-on-failure

all:
    BUILD +test
    BUILD +build
)"},
    {"pyproject.toml", "Python", R"(VERSION 0.8
FROM python:3.12-slim
WORKDIR /src

deps:
    COPY pyproject.toml README* ./
    CACHE /root/.cache/pip
    RUN pip install build pytest

build:
    FROM +deps
    COPY . .
    RUN python -m build
    SAVE ARTIFACT dist AS LOCAL dist

test:
    FROM +deps
    COPY . .
    RUN pip install . && pytest

all:
    BUILD +test
    BUILD +build
)"},
};

constexpr std::string_view kPlain = R"(VERSION 0.8
FROM alpine:3.20
WORKDIR /src

build:
    COPY . .
    RUN echo "build it here" > /src/result
    SAVE ARTIFACT /src/result AS LOCAL result

test:
    FROM +build
    RUN grep -q build /src/result

all:
    BUILD +test
)";

}  // namespace

Exit RunEarthInit(Context& context, const EarthSettings&, const std::vector<std::string>& words, EarthDialect dialect) {
  // earthly's own command line takes what follows, and does nothing with it.
  if (!words.empty() && dialect == EarthDialect::kLoam) {
    PrintError(context, Error(ErrorCode::kInvalidArgument, fmt::format("usage: {} init", ProgramOf(dialect))));
    return Exit::kFailed;
  }
  for (const char* const name : {"Earthfile", "build.earth"}) {
    if (::access(name, F_OK) == 0) {
      PrintError(context, Error(ErrorCode::kAlreadyExists, fmt::format("there is an {} here already", name)));
      return Exit::kFailed;
    }
  }
  std::string_view text;
  std::string_view kind;
  for (const Template& candidate : kTemplates) {
    if (::access(std::string(candidate.marker).c_str(), F_OK) == 0) {
      text = candidate.text;
      kind = candidate.kind;
      break;
    }
  }
  if (text.empty() && dialect == EarthDialect::kEarthly) {
    PrintEarthError(context,
                    Error(ErrorCode::kNotFound, "no supported projects found in this directory")
                        .WithHint("`loam init` writes an Earthfile for any project"),
                    dialect);
    return Exit::kFailed;
  }
  if (text.empty()) {
    text = kPlain;
    kind = "plain";
  }
  if (const Result<> written = WriteFileAtomic("Earthfile", text); !written) {
    PrintError(context, written.error());
    return Exit::kFailed;
  }
  PrintTo(context.err, "wrote Earthfile ({} project): try `{} +all`\n", kind, ProgramOf(dialect));
  return Exit::kOk;
}

}  // namespace loam::cli
