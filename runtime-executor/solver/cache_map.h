// CacheMap: how an operation is cached; Preimage: what was hashed for it, kept so that "why did this run again" has an
// exact answer.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "runtime-executor/solver/result.h"

namespace loam::solver {

class OpContext;

// The facts that went into a digest, for people. It need not be the hashed bytes, but two different digests must have
// different preimages. Never holds a secret's value.
struct Preimage {
  // `name` is one of a small vocabulary, which `loam why` words into sentences:
  //   op             kind of operation: "exec", "file", "source", "merge", "diff", "build", "passthrough"
  //   arg:N          word N of the command          env:NAME       value of an environment variable (also a build ARG)
  //   cwd, user, network, security, hostname, platform, extra-host:NAME, ulimit:NAME, proxy
  //   mount:PATH     kind and options of a mount    secret:ID, ssh:ID   that it is used, where and how; never its value
  //   source         identifier as written          source.digest  what it was pinned to
  //   action:N       file action N in full          attr:KEY       attribute of a source
  struct Field {
    std::string name;
    std::string value;
    friend auto operator<=>(const Field&, const Field&) = default;
  };
  // One file or directory of an input, as hashed; `path` is relative to the root of the input.
  struct File {
    std::string path;
    Digest digest;
    friend auto operator<=>(const File&, const File&) = default;
  };
  std::vector<Field> fields;  // in the order of the operation
  std::vector<File> files;    // sorted by path
  friend bool operator==(const Preimage&, const Preimage&) = default;
};

// Key of an input computed from its content.
struct ContentKey {
  Digest digest;
  // Called at most once, at once and on the same thread, and only if the key is not known yet: so that an unchanged
  // tree of many files costs no list of them. May be null.
  std::function<Preimage()> preimage;
  // The path of the input that the key covers, if it is one: the files of the preimage are relative to it, since equal
  // content has equal keys wherever it lies.
  std::string base_path;
};

// Computes a key from an input's result; blocks, runs on a pool thread. An empty digest means "no content key after
// all".
using ContentKeyFunction = std::function<Result<ContentKey>(OpContext&, const ResultPtr&)>;

struct CacheMapInput {
  // Mixed into the link from this input's definition key (not from its content key); empty if the whole input is used.
  Digest selector;
  // Set if equal content of this input gives equal results, however the input was made.
  ContentKeyFunction content_key;
};

struct CacheMap {
  // Digest of the operation without its inputs: for a source what it was pinned to, for others the canonical op.
  Digest digest;
  // Only for a vertex without inputs: further digests under which its users are looked up and recorded, such as the
  // chain id of an image's layers, which several manifests may share.
  std::vector<Digest> other_digests;
  Preimage preimage;
  // One for each input of the vertex, in order.
  std::vector<CacheMapInput> inputs;
  // The digest says nothing about the result (a host directory that may change at any time): nothing is looked up or
  // recorded under it. Content keys of those who use the result still work.
  bool transient = false;
};

}  // namespace loam::solver
