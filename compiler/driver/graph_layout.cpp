#include "compiler/driver/graph_layout.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <utility>

namespace loam::driver {
namespace {

constexpr int kOrderSweeps = 12;
constexpr int kPlaceSweeps = 10;

// A stage, a step without a stage, or a lane.
struct Block {
  std::vector<std::size_t> nodes;
  bool framed = false;
  std::size_t column = 0;
  double height = 0;
  double y = 0;
};

// A line between two blocks of neighbouring columns, at heights inside of them.
struct Link {
  std::size_t from = 0;
  std::size_t to = 0;
  double from_y = 0;
  double to_y = 0;
};

class Layouter {
 public:
  Layouter(const BuildGraph& graph, const std::vector<double>& heights, const LayoutMetrics& metrics)
      : graph_(graph), heights_(heights), metrics_(metrics) {}

  GraphLayout Run() {
    MakeBlocks();
    AssignColumns();
    MakeLanes();
    Order();
    Place();
    return Result();
  }

 private:
  void MakeBlocks() {
    block_of_.resize(graph_.nodes.size());
    offset_.resize(graph_.nodes.size());
    for (const GraphStage& stage : graph_.stages) {
      Block& block = blocks_.emplace_back();
      block.framed = true;
      block.nodes = stage.nodes;
    }
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      if (!graph_.nodes[i].stage) {
        blocks_.emplace_back().nodes = {i};
      }
    }
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      Block& block = blocks_[i];
      double y = block.framed ? metrics_.title_height : 0;
      for (std::size_t n = 0; n < block.nodes.size(); ++n) {
        const std::size_t node = block.nodes[n];
        y += n > 0 ? metrics_.step_gap : 0;
        block_of_[node] = i;
        offset_[node] = y;
        y += heights_[node];
      }
      block.height = y + (block.framed ? metrics_.padding : 0);
    }
  }

  // The longest way from what needs nothing; what only gives moves next to what takes it.
  void AssignColumns() {
    const std::size_t count = blocks_.size();
    std::vector<std::vector<std::size_t>> users(count);
    std::vector<std::vector<std::size_t>> needs(count);
    for (const GraphEdge& edge : graph_.edges) {
      const std::size_t from = block_of_[edge.from];
      const std::size_t to = block_of_[edge.to];
      if (from != to) {
        users[from].push_back(to);
        needs[to].push_back(from);
      }
    }
    const std::vector<std::size_t> order = BlockOrder(needs);
    std::vector<std::size_t> rank(count);
    for (std::size_t i = 0; i < count; ++i) {
      rank[order[i]] = i;
    }
    for (const std::size_t block : order) {
      for (const std::size_t need : needs[block]) {
        // Stages that share steps may need each other; such an edge runs backwards.
        if (rank[need] < rank[block]) {
          blocks_[block].column = std::max(blocks_[block].column, blocks_[need].column + 1);
        }
      }
    }
    for (auto block = order.rbegin(); block != order.rend(); ++block) {
      if (!needs[*block].empty() || users[*block].empty()) {
        continue;
      }
      std::size_t nearest = SIZE_MAX;
      for (const std::size_t user : users[*block]) {
        nearest = std::min(nearest, blocks_[user].column);
      }
      blocks_[*block].column = nearest > 0 ? nearest - 1 : 0;
    }
    columns_ = 1;
    for (const Block& block : blocks_) {
      columns_ = std::max(columns_, block.column + 1);
    }
  }

  // Needs before their users, as far as there are no cycles.
  static std::vector<std::size_t> BlockOrder(const std::vector<std::vector<std::size_t>>& needs) {
    std::vector<std::size_t> order;
    std::vector<bool> seen(needs.size());
    for (std::size_t root = 0; root < needs.size(); ++root) {
      std::vector<std::pair<std::size_t, std::size_t>> path;
      if (!seen[root]) {
        seen[root] = true;
        path.emplace_back(root, 0);
      }
      while (!path.empty()) {
        auto& [block, next] = path.back();
        if (next == needs[block].size()) {
          order.push_back(block);
          path.pop_back();
          continue;
        }
        const std::size_t need = needs[block][next++];
        if (!seen[need]) {
          seen[need] = true;
          path.emplace_back(need, 0);
        }
      }
    }
    return order;
  }

  double PortOf(std::size_t node) const { return offset_[node] + heights_[node] / 2; }

  void MakeLanes() {
    // A step's lane in a column.
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> lanes;
    lanes_of_edge_.resize(graph_.edges.size());
    for (std::size_t e = 0; e < graph_.edges.size(); ++e) {
      const GraphEdge& edge = graph_.edges[e];
      const std::size_t from = block_of_[edge.from];
      const std::size_t to = block_of_[edge.to];
      if (from == to || blocks_[from].column >= blocks_[to].column) {
        continue;
      }
      std::size_t last = from;
      double last_y = PortOf(edge.from);
      for (std::size_t column = blocks_[from].column + 1; column < blocks_[to].column; ++column) {
        const auto [lane, is_new] = lanes.try_emplace({edge.from, column}, blocks_.size());
        if (is_new) {
          Block& block = blocks_.emplace_back();
          block.column = column;
          block.height = metrics_.lane_height;
          links_.push_back({last, lane->second, last_y, metrics_.lane_height / 2});
        }
        lanes_of_edge_[e].push_back(lane->second);
        last = lane->second;
        last_y = metrics_.lane_height / 2;
      }
      links_.push_back({last, to, last_y, PortOf(edge.to)});
    }
    incoming_.resize(blocks_.size());
    outgoing_.resize(blocks_.size());
    for (const Link& link : links_) {
      outgoing_[link.from].push_back(&link);
      incoming_[link.to].push_back(&link);
    }
    rows_.resize(columns_);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      rows_[blocks_[i].column].push_back(i);
    }
  }

  void Stack() {
    for (const auto& row : rows_) {
      double y = 0;
      for (const std::size_t block : row) {
        blocks_[block].y = y;
        y += blocks_[block].height + metrics_.row_gap;
      }
    }
  }

  // Where the neighbours on one side would like the block to be; its place if there are none.
  double Wish(std::size_t block, bool left, bool right) const {
    double sum = 0;
    int count = 0;
    if (left) {
      for (const Link* link : incoming_[block]) {
        sum += blocks_[link->from].y + link->from_y - link->to_y;
        ++count;
      }
    }
    if (right) {
      for (const Link* link : outgoing_[block]) {
        sum += blocks_[link->to].y + link->to_y - link->from_y;
        ++count;
      }
    }
    return count > 0 ? sum / count : blocks_[block].y;
  }

  // Few crossings: blocks are sorted by the mean height of their neighbours, to the right and back.
  void Order() {
    Stack();
    for (int sweep = 0; sweep < kOrderSweeps; ++sweep) {
      const bool to_right = sweep % 2 == 0;
      for (std::size_t i = 0; i < columns_; ++i) {
        auto& row = rows_[to_right ? i : columns_ - 1 - i];
        std::vector<std::pair<double, std::size_t>> wishes;
        wishes.reserve(row.size());
        for (const std::size_t block : row) {
          wishes.emplace_back(Wish(block, to_right, !to_right) + blocks_[block].height / 2, block);
        }
        std::stable_sort(wishes.begin(), wishes.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (std::size_t k = 0; k < row.size(); ++k) {
          row[k] = wishes[k].second;
        }
        Settle(row, to_right, !to_right);
      }
    }
  }

  // As near to their wishes as the others of the column allow (least squares: pooling of neighbours that collide).
  void Settle(const std::vector<std::size_t>& row, bool left, bool right) {
    struct Pool {
      double sum = 0;
      std::size_t count = 0;
      [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
    };
    std::vector<Pool> pools;
    std::vector<double> above(row.size());
    double y = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      above[i] = y;
      y += blocks_[row[i]].height + metrics_.row_gap;
      pools.push_back({Wish(row[i], left, right) - above[i], 1});
      while (pools.size() > 1 && pools[pools.size() - 2].mean() > pools.back().mean()) {
        const Pool last = pools.back();
        pools.pop_back();
        pools.back().sum += last.sum;
        pools.back().count += last.count;
      }
    }
    std::size_t next = 0;
    for (const Pool& pool : pools) {
      for (std::size_t i = 0; i < pool.count; ++i, ++next) {
        blocks_[row[next]].y = pool.mean() + above[next];
      }
    }
  }

  void Place() {
    for (int sweep = 0; sweep < kPlaceSweeps; ++sweep) {
      for (std::size_t i = 0; i < columns_; ++i) {
        Settle(rows_[sweep % 2 == 0 ? i : columns_ - 1 - i], true, true);
      }
    }
    double top = blocks_.front().y;
    for (const Block& block : blocks_) {
      top = std::min(top, block.y);
    }
    for (Block& block : blocks_) {
      block.y -= top;
    }
  }

  double ColumnX(std::size_t column) const {
    return static_cast<double>(column) * (metrics_.node_width + 2 * metrics_.padding + metrics_.column_gap);
  }

  GraphLayout Result() const {
    GraphLayout out;
    out.nodes.resize(graph_.nodes.size());
    const double column_width = metrics_.node_width + 2 * metrics_.padding;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const Block& block = blocks_[i];
      const double x = ColumnX(block.column);
      for (const std::size_t node : block.nodes) {
        out.nodes[node] = {x + metrics_.padding, block.y + offset_[node], metrics_.node_width, heights_[node]};
      }
      if (i < graph_.stages.size()) {
        out.stages.push_back({x, block.y, column_width, block.height});
      }
      out.width = std::max(out.width, x + column_width);
      out.height = std::max(out.height, block.y + block.height);
    }
    for (std::size_t e = 0; e < graph_.edges.size(); ++e) {
      const GraphEdge& edge = graph_.edges[e];
      EdgeRoute& route = out.routes.emplace_back();
      const Box& from = out.nodes[edge.from];
      const Box& to = out.nodes[edge.to];
      route.inside = block_of_[edge.from] == block_of_[edge.to];
      route.points.push_back({from.right(), from.middle()});
      for (const std::size_t lane : lanes_of_edge_[e]) {
        const double y = blocks_[lane].y + blocks_[lane].height / 2;
        const double x = ColumnX(blocks_[lane].column);
        route.points.push_back({x, y});
        route.points.push_back({x + column_width, y});
      }
      route.points.push_back({to.x, to.middle()});
    }
    SpreadEnds(out);
    return out;
  }

  // Several edges into one step end below each other, in the order in which they come.
  void SpreadEnds(GraphLayout& out) const {
    std::map<std::size_t, std::vector<EdgeRoute*>> ends;
    for (std::size_t e = 0; e < graph_.edges.size(); ++e) {
      if (!out.routes[e].inside) {
        ends[graph_.edges[e].to].push_back(&out.routes[e]);
      }
    }
    for (auto& [node, routes] : ends) {
      std::stable_sort(routes.begin(), routes.end(), [](const EdgeRoute* a, const EdgeRoute* b) {
        return a->points[a->points.size() - 2].y < b->points[b->points.size() - 2].y;
      });
      const double step = out.nodes[node].height / static_cast<double>(routes.size() + 1);
      for (std::size_t i = 0; i < routes.size(); ++i) {
        routes[i]->points.back().y = out.nodes[node].y + step * static_cast<double>(i + 1);
      }
    }
  }

  const BuildGraph& graph_;
  const std::vector<double>& heights_;
  const LayoutMetrics& metrics_;
  std::vector<Block> blocks_;
  std::vector<std::size_t> block_of_;  // of each node
  std::vector<double> offset_;         // of each node in its block
  std::vector<std::vector<std::size_t>> lanes_of_edge_;
  std::vector<Link> links_;
  std::vector<std::vector<const Link*>> incoming_;
  std::vector<std::vector<const Link*>> outgoing_;
  std::vector<std::vector<std::size_t>> rows_;  // the blocks of each column, from top to bottom
  std::size_t columns_ = 1;
};

}  // namespace

GraphLayout LayOut(const BuildGraph& graph, const std::vector<double>& heights, const LayoutMetrics& metrics) {
  return Layouter(graph, heights, metrics).Run();
}

}  // namespace loam::driver
