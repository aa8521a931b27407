// The cycle diagrams of the parts, for docs/twins/*.md: each from the RTL itself.
#include <Vcredit_scheduler.h>
#include <Vislip_matcher.h>
#include <Vpath_selector.h>
#include <Vreassembler.h>
#include <Vround_robin_arbiter.h>
#include <Vsegmenter.h>
#include <Vshared_buffer.h>
#include <Vsystolic_array_2x3.h>
#include <Vvoq_bank.h>

#include "cosim/cycle_diagram.h"
#include "parts/path_selector.h"

namespace heddle {
namespace {

TEST(TwinDiagram, RoundRobinArbiter) {
  RtlTop<Vround_robin_arbiter> rtl(1);
  struct Step {
    unsigned requests;
    bool move;
  };
  constexpr unsigned three = 1U << 1 | 1U << 2 | 1U << 5;
  const Step steps[] = {{three, true},
                        {three, true},
                        {three, true},
                        {three, true},
                        {three, false},
                        {three, true},
                        {1U << 1 | 1U << 2, true},
                        {0, false}};
  rtl.reset();
  CycleDiagram diagram;
  for (const Step& step : steps) {
    diagram.next_cycle();
    pins::set(rtl->requests_i, step.requests);
    rtl.settle();
    pins::set(rtl->move_i, step.move ? 1 : 0);
    pins::set(rtl->move_behind_i, rtl->port_o);
    rtl.settle();
    diagram.show("requests_i", numbers(rtl->requests_i));
    diagram.show_if(rtl->grant_o != 0, "port_o", rtl->port_o);
    diagram.show_if(step.move, "move_behind_i", rtl->move_behind_i);
    diagram.edge(rtl);
    diagram.show("pointer_o", rtl->pointer_o);
  }
  diagram.expect_on_page("round_robin_arbiter");
}

TEST(TwinDiagram, IslipMatcher) {
  RtlTop<Vislip_matcher> rtl(1);
  pins::set(rtl->inputs_for_i, 0xffff);
  pins::set(rtl->free_inputs_i, 0xf);
  pins::set(rtl->free_outputs_i, 0xf);
  pins::set(rtl->match_i, 0);
  rtl.reset();
  const auto pointers = [](std::uint64_t pin) {
    std::string text;
    for (unsigned port = 0; port < 4; ++port) text += fmt::to_string(pin >> 2 * port & 3);
    return text;
  };
  CycleDiagram diagram;
  for (const bool match : {true, true, true, true, true, true, false, true}) {
    diagram.next_cycle();
    pins::set(rtl->match_i, match ? 1 : 0);
    rtl.settle();
    diagram.strobe("match_i", match);
    for (unsigned output = 0; output < 4; ++output) {
      diagram.show_if((rtl->outputs_o >> output & 1) != 0, fmt::format("input_o[{}]", output),
                      rtl->input_o >> 2 * output & 3U);
    }
    diagram.edge(rtl);
    diagram.show("grant_pointer_o", pointers(rtl->grant_pointer_o));
    diagram.show("accept_pointer_o", pointers(rtl->accept_pointer_o));
  }
  diagram.expect_on_page("islip_matcher");
}

TEST(TwinDiagram, VoqBank) {
  constexpr unsigned credit_bytes = 4096;
  RtlTop<Vvoq_bank> rtl(1);
  struct Step {
    unsigned credits;
    char packet;
    unsigned bytes;
    bool pop;
    bool request;
  };
  const Step steps[] = {
      {0, 'A', 1000, false, true}, {0, 'B', 4000, false, true}, {0, '.', 0, false, false},
      {1, '.', 0, false, false},   {0, '.', 0, true, false},    {0, '.', 0, true, false},
      {0, '.', 0, false, true},    {2, 'C', 500, true, false},  {0, 'D', 4000, false, true}};
  pins::set(rtl->cfg_credit_bytes_i, credit_bytes);
  pins::set(rtl->cfg_outstanding_limit_i, 2);
  for (auto* pin : {&rtl->credit_voq_i, &rtl->enqueue_voq_i, &rtl->hold_voq_i, &rtl->pop_voq_i,
                    &rtl->request_voq_i, &rtl->account_voq_i}) {
    pins::set(*pin, 1);
  }
  for (auto* pin : {&rtl->credit_i, &rtl->enqueue_i, &rtl->hold_i, &rtl->pop_i, &rtl->request_i}) {
    pins::set(*pin, 0);
  }
  rtl.reset();
  CycleDiagram diagram;
  for (const Step& step : steps) {
    pins::set(rtl->now_i, diagram.next_cycle());
    pins::set(rtl->credit_i, step.credits != 0 ? 1 : 0);
    pins::set(rtl->credit_credits_i, step.credits);
    pins::set(rtl->enqueue_i, step.bytes != 0 ? 1 : 0);
    pins::set_frame(rtl->enqueue_packet_i, 0, packet_named(step.packet, step.bytes));
    pins::set(rtl->pop_i, step.pop ? 1 : 0);
    pins::set(rtl->request_i, step.request ? 1 : 0);
    diagram.show_if(step.credits != 0, "credit_credits_i", step.credits);
    diagram.show("enqueue_packet_i", std::string(1, step.packet));
    diagram.strobe("pop_i", step.pop);
    diagram.strobe("request_i", step.request);
    diagram.edge(rtl);
    diagram.show_if(rtl->request_o != 0, "request_credits_o", rtl->request_credits_o);
    diagram.show_if(step.pop, "pop_packet_o", name_of(pins::get_frame(rtl->pop_packet_o, 0)));
    diagram.strobe("sendable_o[1]", rtl->sendable_o >> 1 & 1);
    diagram.show("length_o", rtl->length_o);
    diagram.show("balance in bytes",
                 fmt::to_string(static_cast<std::int32_t>(rtl->balance_credits_o) *
                                    static_cast<std::int32_t>(credit_bytes) +
                                rtl->balance_rest_o));
  }
  diagram.expect_on_page("voq_bank");
}

TEST(TwinDiagram, CreditScheduler) {
  RtlTop<Vcredit_scheduler> rtl(1);
  struct Step {
    unsigned leaf;
    unsigned traffic_class;
    unsigned credits;  ///< 0: no request
    bool grant;
  };
  const Step steps[] = {{0, 0, 4, false}, {2, 0, 4, false}, {1, 0, 4, false}, {0, 0, 0, true},
                        {0, 0, 0, true},  {0, 0, 0, true},  {0, 0, 0, true},  {5, 1, 1, true},
                        {0, 0, 0, true},  {0, 0, 0, true},  {0, 0, 2, false}};
  pins::set(rtl->cfg_strict_i, 0b10);
  pins::set(rtl->cfg_weight_i, 0x0101);
  pins::set(rtl->cfg_slices_i, 2);
  pins::set(rtl->request_i, 0);
  pins::set(rtl->grant_i, 0);
  rtl.reset();
  CycleDiagram diagram;
  for (const Step& step : steps) {
    diagram.next_cycle();
    const bool asks = step.credits != 0;
    pins::set(rtl->request_i, asks ? 1 : 0);
    pins::set(rtl->request_leaf_i, step.leaf);
    pins::set(rtl->request_traffic_class_i, step.traffic_class);
    pins::set(rtl->request_credits_i, step.credits);
    pins::set(rtl->grant_i, step.grant ? 1 : 0);
    diagram.show_if(asks, "request_leaf_i", step.leaf);
    diagram.show_if(asks, "request_traffic_class_i", step.traffic_class);
    diagram.show_if(asks, "request_credits_i", step.credits);
    diagram.strobe("grant_i", step.grant);
    diagram.edge(rtl);
    diagram.show_if(step.grant, "grant_leaf_o", rtl->grant_leaf_o);
    diagram.show_if(step.grant, "grant_traffic_class_o", rtl->grant_traffic_class_o);
    diagram.show_if(step.grant, "grant_credits_o", rtl->grant_credits_o);
    diagram.show("outstanding_o", rtl->outstanding_o);
  }
  diagram.expect_on_page("credit_scheduler");
}

TEST(TwinDiagram, Segmenter) {
  RtlTop<Vsegmenter> rtl(1);
  struct Step {
    std::string start;  ///< packets by name
    std::string next;
    bool cut;
  };
  const Step steps[] = {{"A", "", true}, {"", "BC", true}, {"", "", false},    {"", "", true},
                        {"", "", false}, {"D", "", false}, {"", "EFGH", true}, {"", "", true}};
  const auto packet = [](char name) {
    return packet_named(name, name == 'A' ? 300 : name == 'B' ? 100 : name == 'C' ? 200 : 64);
  };
  pins::set(rtl->cfg_packed_i, 1);
  pins::set(rtl->cfg_payload_bytes_i, 256);
  pins::set(rtl->cfg_header_bytes_i, 16);
  pins::set(rtl->start_i, 0);
  pins::set(rtl->start_voq_i, 3);
  pins::set(rtl->cut_i, 0);
  rtl.reset();
  CycleDiagram diagram;
  for (const Step& step : steps) {
    diagram.next_cycle();
    pins::set(rtl->start_i, step.start.size());
    if (!step.start.empty()) pins::set_frame(rtl->start_packet_i, 0, packet(step.start[0]));
    pins::set(rtl->next_valid_i, (1U << step.next.size()) - 1);
    for (unsigned n = 0; n < step.next.size(); ++n) {
      pins::set_frame(rtl->next_packet_i, n, packet(step.next[n]));
    }
    pins::set(rtl->cut_i, step.cut ? 1 : 0);
    rtl.settle();
    const Frame cell = pins::get_frame(rtl->cell_o, 0);
    std::string finished;
    for (unsigned n = 0; n < rtl->ends_o; ++n) {
      finished += name_of(pins::get_frame(rtl->finished_o, n));
    }
    diagram.show_if(!step.start.empty(), "start_packet_i", step.start);
    diagram.show_if(!step.next.empty(), "next_packet_i", step.next);
    diagram.strobe("cut_i", step.cut);
    diagram.show_if(step.cut, "cell_o.payload_bytes", cell.payload_bytes);
    diagram.show_if(step.cut, "cell_o.flow", cell.flow);
    diagram.show_if(!finished.empty(), "finished_o", finished);
    diagram.show_if(step.cut, "taken_o", rtl->taken_o);
    diagram.edge(rtl);
    diagram.strobe("busy_o", rtl->busy_o);
  }
  diagram.expect_on_page("segmenter");
}

TEST(TwinDiagram, Reassembler) {
  RtlTop<Vreassembler> rtl(1);
  constexpr int none = -1;
  constexpr int expire = -2;
  pins::set(rtl->arrive_i, 0);
  pins::set(rtl->expire_i, 0);
  pins::set(rtl->arrive_source_i, 1);
  pins::set(rtl->expire_source_i, 1);
  pins::set(rtl->source_i, 1);
  rtl.reset();
  CycleDiagram diagram;
  for (const int step : {0, 2, 3, 1, none, none, 5, expire, none, none, none, 6}) {
    const std::uint64_t now = diagram.next_cycle();
    Frame cell;
    cell.kind = FrameKind::cell;
    cell.payload_bytes = 256;
    cell.sequence = static_cast<std::uint32_t>(step);
    pins::set(rtl->now_i, now);
    pins::set(rtl->expire_before_i, now);
    pins::set(rtl->arrive_i, step >= 0 ? 1 : 0);
    pins::set_frame(rtl->arrive_cell_i, 0, cell);
    pins::set(rtl->expire_i, step == expire ? 1 : 0);
    diagram.show_if(step >= 0, "arrive_cell_i", cell.sequence);
    diagram.strobe("expire_i", step == expire);
    diagram.edge(rtl);
    diagram.show_if(rtl->in_order_o != 0, "in_order_cell_o",
                    pins::get_frame(rtl->in_order_cell_o, 0).sequence);
    diagram.strobe("lost_o", rtl->lost_o);
    diagram.strobe("busy_o", rtl->busy_o);
    diagram.show("expected_o", rtl->expected_o);
    diagram.show("held_o", rtl->held_o);
  }
  diagram.expect_on_page("reassembler");
}

TEST(TwinDiagram, SharedBuffer) {
  RtlTop<Vshared_buffer> rtl(1);
  constexpr unsigned cell_bytes = 256;
  pins::set(rtl->cfg_cell_bytes_i, cell_bytes);
  pins::set(rtl->cfg_cell_reciprocal_i, (std::uint64_t{1} << 32) / cell_bytes);
  pins::set(rtl->cfg_shared_cells_i, 12);
  for (unsigned group = 0; group < 8; ++group) {
    pins::set_bits(rtl->cfg_headroom_limit_i, 20 * group, 20, 4);
  }
  pins::set(rtl->cfg_kmin_bytes_i, 6 * cell_bytes);
  pins::set(rtl->cfg_kmax_bytes_i, 6 * cell_bytes);
  pins::set(rtl->cfg_mark_slope_i, 0);
  pins::set(rtl->cfg_marking_i, 1);
  pins::set(rtl->alpha_lossless_i, 1 << 16);
  pins::set(rtl->alpha_lossy_i, 1 << 16);
  pins::set(rtl->xoff_fixed_i, 0);
  pins::set(rtl->xon_offset_cells_i, 1);
  for (auto* pin :
       {&rtl->set_thresholds_i, &rtl->mark_i, &rtl->admit_i, &rtl->release_i, &rtl->take_changes_i,
        &rtl->group_i, &rtl->queue_i, &rtl->release_group_i, &rtl->release_queue_i}) {
    pins::set(*pin, 0);
  }
  pins::set(rtl->lossless_i, 1);
  pins::set(rtl->bytes_i, 2 * cell_bytes);
  pins::set(rtl->release_bytes_i, 2 * cell_bytes);
  rtl.reset();
  CycleDiagram diagram;
  for (unsigned n = 1; n <= 10; ++n) {
    diagram.next_cycle();
    const bool comes = n <= 6;
    const bool leaves = n >= 7 && n <= 9;
    pins::set(rtl->admit_i, comes ? 1 : 0);
    pins::set(rtl->mark_i, comes ? 1 : 0);
    pins::set(rtl->release_i, leaves ? 1 : 0);
    pins::set(rtl->take_changes_i, n == 5 || n == 10 ? 1 : 0);
    rtl.settle();
    diagram.strobe("admit_i", comes);
    diagram.show_if(comes, "admission_o", rtl->admission_o);
    diagram.strobe("mark_o", rtl->mark_o);
    diagram.strobe("release_i", leaves);
    diagram.strobe("take_changes_i", rtl->take_changes_i);
    diagram.edge(rtl);
    diagram.show("group_cells_o[0]", pins::get_bits(rtl->group_cells_o, 0, 20));
    diagram.show("headroom_cells_o[0]", pins::get_bits(rtl->headroom_cells_o, 0, 20));
    diagram.show("free_cells_o", rtl->free_cells_o);
    diagram.strobe("xoff_o[0]", rtl->xoff_o & 1);
    diagram.strobe("changed_o[0]", rtl->changed_o & 1);
  }
  diagram.expect_on_page("shared_buffer");
}

/// One group of all four ports.
void reset_selector(RtlTop<Vpath_selector>& rtl, Routing routing) {
  pins::set(rtl->cfg_routing_i, static_cast<unsigned>(routing));
  pins::set(rtl->cfg_spray_random_i, 0);
  pins::set(rtl->cfg_flowlet_gap_cycles_i, 1);
  pins::set(rtl->cfg_salt_i, 1);
  pins::set(rtl->cfg_random_i, 1);
  for (unsigned group = 0; group < 2; ++group) {
    pins::set_bits(rtl->cfg_spray_i, 64 * group, 64, 1);
    pins::set_bits(rtl->cfg_first_i, 2 * group, 2, 0);
    pins::set_bits(rtl->cfg_count_i, 3 * group, 3, 4);
  }
  pins::set(rtl->choose_i, 0);
  pins::set(rtl->among_i, 0);
  pins::set(rtl->group_i, 0);
  pins::set(rtl->grades_i, 0);
  rtl.reset();
  pins::set(rtl->choose_i, 1);
}

TEST(TwinDiagram, PathSelectorByGrade) {
  RtlTop<Vpath_selector> rtl(1);
  reset_selector(rtl, Routing::adaptive);
  CycleDiagram diagram;
  for (const std::string grades :
       {"0000", "1000", "1010", "1110", "1111", "2111", "2121", "2122"}) {
    diagram.next_cycle();
    for (unsigned port = 0; port < 4; ++port) {
      pins::set_bits(rtl->grades_i, 8 * port, 8, static_cast<unsigned>(grades[port] - '0'));
    }
    rtl.settle();
    const std::uint64_t random = rtl->random_o;
    diagram.show("grades_i", grades);
    diagram.show("port_o", rtl->port_o);
    diagram.edge(rtl);
    diagram.strobe("random_o moves", rtl->random_o != random);
  }
  diagram.expect_on_page("path_selector");
}

TEST(TwinDiagram, PathSelectorInTurn) {
  RtlTop<Vpath_selector> rtl(1);
  reset_selector(rtl, Routing::spray);
  CycleDiagram diagram;
  for (unsigned n = 1; n <= 12; ++n) {
    diagram.next_cycle();
    const bool failed = n >= 4 && n <= 7;
    pins::set(rtl->among_i, failed ? 1 : 0);
    pins::set(rtl->usable_i, failed ? 0b1011 : 0b1111);
    rtl.settle();
    const std::uint64_t random = pins::get_bits(rtl->spray_o, 0, 64);
    diagram.show_if(failed, "usable_i", numbers(rtl->usable_i));
    diagram.show("port_o", rtl->port_o);
    diagram.edge(rtl);
    diagram.strobe("spray_o moves", pins::get_bits(rtl->spray_o, 0, 64) != random);
  }
  diagram.expect_on_page("path_selector");
}

TEST(TwinDiagram, SystolicArray) {
  RtlTop<Vsystolic_array_2x3> rtl(1);
  struct Step {
    std::vector<unsigned> tile;  ///< a row of it, or nothing
    bool first;
    std::vector<unsigned> column;
    bool exchange;
  };
  const Step steps[] = {{{1, 2, 3}, true, {}, false},    {{4, 5, 6}, false, {}, false},
                        {{7, 0, 7}, true, {1, 1}, true}, {{0, 7, 7}, false, {1, 2}, false},
                        {{}, false, {2, 3}, true},       {{}, false, {}, false},
                        {{}, false, {}, false},          {{}, false, {}, false}};
  const auto set = [](auto& pin, const std::vector<unsigned>& operands) {
    std::string text;
    for (unsigned i = 0; i < operands.size(); ++i) {
      pins::set_bits(pin, 8 * i, 8, operands[i]);
      text += fmt::to_string(operands[i]);
    }
    return text;
  };
  pins::set(rtl->load_valid_i, 0);
  pins::set(rtl->move_valid_i, 0);
  rtl.reset();
  CycleDiagram diagram;
  for (const Step& step : steps) {
    diagram.next_cycle();
    pins::set(rtl->load_valid_i, step.tile.empty() ? 0 : 1);
    pins::set(rtl->load_first_i, step.first ? 1 : 0);
    pins::set(rtl->move_valid_i, step.column.empty() ? 0 : 1);
    pins::set(rtl->move_exchange_i, step.exchange ? 1 : 0);
    diagram.show_if(!step.tile.empty(), "load_data_i", set(rtl->load_data_i, step.tile));
    diagram.strobe("load_first_i", step.first);
    diagram.show_if(!step.column.empty(), "move_data_i", set(rtl->move_data_i, step.column));
    diagram.strobe("move_exchange_i", step.exchange);
    diagram.edge(rtl);
    for (unsigned j = 0; j < 3; ++j) {
      diagram.show_if(pins::get_bits(rtl->result_valid_o, j, 1) != 0,
                      fmt::format("result_data_o[{}]", j),
                      pins::get_bits(rtl->result_data_o, 32 * j, 32));
    }
  }
  diagram.expect_on_page("systolic_array");
}

}  // namespace
}  // namespace heddle
