#include <condition_variable>
#include <cstring>
#include <deque>

#include <fmt/format.h>

#include "base/file_system.h"
#include "runtime-executor/content/chunk_codec.h"
#include "runtime-executor/content/codec_pool.h"
#include "runtime-executor/content/compression.h"

namespace loam::content {
namespace {

struct Chunk {
  RawBuffer input;
  std::size_t size = 0;
  CompressedChunk output;
  bool hashed = false;
  bool compressed = false;

  [[nodiscard]] std::string_view data() { return {input.data(), size}; }
};

// The way of a chunk: filled by the writer's thread; hashed in order; compressed in any order; written out in order;
// and back to the writer. The three stages run on the pool.
class ParallelCompressor final : public Compressor {
 public:
  ParallelCompressor(CodecPool& pool, std::shared_ptr<ChunkCodec> codec, ByteSink& out)
      : pool_(pool.state()), codec_(std::move(codec)), out_(out), max_chunks_(2 * pool.threads() + 2) {}

  ~ParallelCompressor() override {
    std::unique_lock lock(mutex_);
    abandoned_ = true;
    changed_.wait(lock, [this] { return tasks_ == 0; });
  }

  Result<> Write(std::string_view data) override {
    while (!data.empty()) {
      LOAM_TRY(NeedChunk());
      const std::size_t count = std::min(data.size(), codec_->chunk_size() - filling_->size);
      std::memcpy(filling_->input.data() + filling_->size, data.data(), count);
      Filled(count);
      data.remove_prefix(count);
    }
    return {};
  }

  Result<> WriteFromFile(int fd, std::uint64_t offset, std::uint64_t size, std::string_view name) override {
    while (size > 0) {
      LOAM_TRY(NeedChunk());
      const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(size, codec_->chunk_size() - filling_->size));
      const std::size_t count =
          LOAM_TRY(ReadAt(fd, std::span(filling_->input.data() + filling_->size, want), offset, name));
      if (count < want) {
        return Unexpected(ErrorCode::kDataLoss,
                          fmt::format("read {}: the file became shorter while it was read", name));
      }
      Filled(count);
      offset += count;
      size -= count;
    }
    return {};
  }

  Result<StreamSummary> Finish() override {
    if (filling_ != nullptr && filling_->size > 0) {
      Submit();
    }
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return tasks_ == 0; });
      if (failure_) {
        return Unexpected(*failure_);
      }
    }
    // No task is left: what the stages own is ours now.
    if (!header_written_) {
      LOAM_TRY(WriteHeader());
    }
    if (const std::string trailer = codec_->Trailer(checksum_, total_); !trailer.empty()) {
      LOAM_TRY(out_.Write(trailer));
    }
    return StreamSummary{hash_.Finish(), total_};
  }

 private:
  Result<> NeedChunk() {
    if (filling_ != nullptr) {
      return {};
    }
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failure_ || !free_.empty() || live_ < max_chunks_; });
    if (failure_) {
      return Unexpected(*failure_);
    }
    if (!free_.empty()) {
      filling_ = std::move(free_.back());
      free_.pop_back();
    } else {
      ++live_;
      filling_ = std::make_unique<Chunk>();
      filling_->input.Reserve(codec_->chunk_size());
    }
    filling_->size = 0;
    filling_->hashed = false;
    filling_->compressed = false;
    return {};
  }

  void Filled(std::size_t count) {
    filling_->size += count;
    if (filling_->size == codec_->chunk_size()) {
      Submit();
    }
  }

  void Submit() {
    Chunk* chunk = filling_.get();
    bool start_hashing = false;
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(filling_));
      total_ += chunk->size;
      to_hash_.push_back(chunk);
      start_hashing = !hashing_;
      hashing_ = true;
      tasks_ += start_hashing ? 2 : 1;
    }
    pool_.Post([this, chunk] { CompressTask(chunk); });
    if (start_hashing) {
      pool_.Post([this] { HashTask(); }, /*urgent=*/true);
    }
  }

  void HashTask() {
    std::unique_lock lock(mutex_);
    while (!to_hash_.empty() && !abandoned_ && !failure_) {
      Chunk* chunk = to_hash_.front();
      to_hash_.pop_front();
      lock.unlock();
      hash_.Update(chunk->data());
      lock.lock();
      chunk->hashed = true;
      RecycleFront();
    }
    hashing_ = false;
    TaskDone();
  }

  void CompressTask(Chunk* chunk) {
    std::unique_lock lock(mutex_);
    if (!abandoned_ && !failure_) {
      lock.unlock();
      Result<> result = codec_->Compress(chunk->data(), chunk->output);
      lock.lock();
      if (!result) {
        failure_ = std::move(result).error();
      }
      chunk->compressed = true;
      if (!writing_) {
        writing_ = true;
        WriteReady(lock);
        writing_ = false;
      }
    }
    TaskDone();
  }

  // Writes out what is ready, in order. The lock is released while it does.
  void WriteReady(std::unique_lock<std::mutex>& lock) {
    while (written_ < queue_.size() && queue_[written_]->compressed && !abandoned_ && !failure_) {
      Chunk* chunk = queue_[written_].get();
      lock.unlock();
      Result<> result = header_written_ ? Result<>() : WriteHeader();
      if (result) {
        checksum_ = codec_->Combine(checksum_, chunk->output.checksum, chunk->size);
        result = out_.Write(chunk->output.verbatim ? chunk->data()
                                                   : std::string_view(chunk->output.buffer.data(), chunk->output.size));
      }
      lock.lock();
      ++written_;
      if (!result) {
        failure_ = std::move(result).error();
      }
      RecycleFront();
    }
  }

  Result<> WriteHeader() {
    header_written_ = true;
    const std::string header = codec_->Header();
    return header.empty() ? Result<>() : out_.Write(header);
  }

  // Gives the chunks at the front that are written and hashed back to the writer.
  void RecycleFront() {
    while (written_ > 0 && queue_.front()->hashed) {
      free_.push_back(std::move(queue_.front()));
      queue_.pop_front();
      --written_;
    }
    changed_.notify_all();
  }

  // Under the lock, and the last thing a task does: the object may be gone afterwards.
  void TaskDone() {
    --tasks_;
    changed_.notify_all();
  }

  CodecPool::State& pool_;
  const std::shared_ptr<ChunkCodec> codec_;
  ByteSink& out_;
  const std::size_t max_chunks_;

  // The writer's own.
  std::unique_ptr<Chunk> filling_;

  std::mutex mutex_;  // guards everything down to failure_
  std::condition_variable changed_;
  std::deque<std::unique_ptr<Chunk>> queue_;  // in the order of the stream; the first `written_` are written out
  std::deque<Chunk*> to_hash_;
  std::vector<std::unique_ptr<Chunk>> free_;
  std::size_t live_ = 0;
  std::size_t written_ = 0;
  std::size_t tasks_ = 0;
  std::uint64_t total_ = 0;
  bool hashing_ = false;
  bool writing_ = false;
  bool abandoned_ = false;
  std::optional<Error> failure_;

  // Owned by the task that hashes (hashing_), and by the one that writes (writing_).
  Sha256 hash_;
  std::uint32_t checksum_ = 0;
  bool header_written_ = false;
};

}  // namespace

Result<std::unique_ptr<Compressor>> Compressor::Create(CodecPool& pool, const Compression& compression, ByteSink& out) {
  std::shared_ptr<ChunkCodec> codec = LOAM_TRY(MakeChunkCodec(compression));
  return std::unique_ptr<Compressor>(std::make_unique<ParallelCompressor>(pool, std::move(codec), out));
}

}  // namespace loam::content
