#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "runtime-executor/content/chunk_codec.h"
#include "runtime-executor/content/compression.h"

namespace loam::content {
namespace {

constexpr std::size_t kPieceSize = 512 * 1024;
constexpr std::size_t kPieces = 8;

// Pieces go round: free -> (decompressed) -> to hash -> ready -> (read) -> free.
class ThreadedLayerReader final : public LayerReader {
 public:
  explicit ThreadedLayerReader(std::unique_ptr<ByteSource> plain) : plain_(std::move(plain)), pieces_(kPieces) {
    for (Piece& piece : pieces_) {
      free_.push_back(&piece);
    }
    decompressor_ = std::thread([this] { DecompressLoop(); });
    hasher_ = std::thread([this] { HashLoop(); });
  }

  ~ThreadedLayerReader() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    decompressor_.join();
    hasher_.join();
  }

  Result<std::size_t> Read(std::span<char> buffer) override {
    if (current_ == nullptr) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !ready_.empty() || finished_ || failure_; });
      if (ready_.empty()) {
        return failure_ ? Result<std::size_t>(Unexpected(*failure_)) : Result<std::size_t>(0);
      }
      current_ = ready_.front();
      ready_.pop_front();
      taken_ = 0;
    }
    const std::size_t count = std::min(buffer.size(), current_->size - taken_);
    std::memcpy(buffer.data(), current_->buffer.data() + taken_, count);
    taken_ += count;
    if (taken_ == current_->size) {
      const std::lock_guard lock(mutex_);
      free_.push_back(std::exchange(current_, nullptr));
      changed_.notify_all();
    }
    return count;
  }

  Result<StreamSummary> Finish() override {
    std::vector<char> rest(kPieceSize);
    while (LOAM_TRY(Read(rest)) > 0) {
    }
    return summary_;
  }

 private:
  struct Piece {
    RawBuffer buffer;
    std::size_t size = 0;
  };

  void DecompressLoop() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || !free_.empty(); });
      if (stopping_) {
        return;
      }
      Piece* piece = free_.front();
      free_.pop_front();
      lock.unlock();
      piece->buffer.Reserve(kPieceSize);
      Result<std::size_t> count = ReadFull(*plain_, std::span(piece->buffer.data(), kPieceSize));
      lock.lock();
      if (!count) {
        failure_ = std::move(count).error();
        changed_.notify_all();
        return;
      }
      piece->size = *count;
      to_hash_.push_back(piece);  // of size 0 at the end
      changed_.notify_all();
      if (piece->size == 0) {
        return;
      }
    }
  }

  void HashLoop() {
    Sha256 hash;
    std::uint64_t size = 0;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopping_ || failure_ || !to_hash_.empty(); });
      if (stopping_ || to_hash_.empty()) {
        return;
      }
      Piece* piece = to_hash_.front();
      to_hash_.pop_front();
      if (piece->size == 0) {
        summary_ = {hash.Finish(), size};
        finished_ = true;
        changed_.notify_all();
        return;
      }
      lock.unlock();
      hash.Update(std::string_view(piece->buffer.data(), piece->size));
      size += piece->size;
      lock.lock();
      ready_.push_back(piece);
      changed_.notify_all();
    }
  }

  const std::unique_ptr<ByteSource> plain_;
  std::vector<Piece> pieces_;

  // The reader's own.
  Piece* current_ = nullptr;
  std::size_t taken_ = 0;

  std::mutex mutex_;  // guards everything down to failure_
  std::condition_variable changed_;
  std::deque<Piece*> free_;
  std::deque<Piece*> to_hash_;
  std::deque<Piece*> ready_;
  StreamSummary summary_;
  bool finished_ = false;
  bool stopping_ = false;
  std::optional<Error> failure_;

  std::thread decompressor_;
  std::thread hasher_;
};

}  // namespace

Result<std::unique_ptr<LayerReader>> LayerReader::Open(ByteSource& in) {
  std::unique_ptr<ByteSource> plain = LOAM_TRY(OpenDecompressor(in));
  return std::unique_ptr<LayerReader>(std::make_unique<ThreadedLayerReader>(std::move(plain)));
}

}  // namespace loam::content
