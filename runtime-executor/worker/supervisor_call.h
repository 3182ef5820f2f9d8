// What the supervisor is called with: its arguments and descriptors (supervisor/supervisor.cpp explains them).
#pragma once

#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"

namespace loam::worker {

class SupervisorCall {
 public:
  SupervisorCall() { spec_.args = {"loam-supervisor"}; }
  // The number the descriptor has in the supervisor.
  std::string Pass(int fd) {
    const int number = 3 + static_cast<int>(passed_++);
    spec_.fds.push_back({number, fd});
    return std::to_string(number);
  }
  void Add(std::initializer_list<std::string_view> words) {
    for (std::string_view word : words) {
      spec_.args.emplace_back(word);
    }
  }
  void Add(std::vector<std::string> words) {
    spec_.args.insert(spec_.args.end(), std::make_move_iterator(words.begin()), std::make_move_iterator(words.end()));
  }
  ProcessSpec& spec() { return spec_; }

 private:
  ProcessSpec spec_;
  std::size_t passed_ = 0;
};

}  // namespace loam::worker
