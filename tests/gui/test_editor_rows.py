"""What people expect of a node editor, row by row, and the tests in this folder that show each."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROWS = {
    "palette with drawers, drag and drop, drop onto a wire": (
        "test_an_operator_is_dragged_in", "test_dropped_on_a_wire_it_is_inserted",
        "test_a_chip_is_dragged_as_the_node_it_will_be", "test_pointer_and_paint",
    ),
    "search by key, double click or typing; the new node follows the pointer": (
        "test_tab_opens_the_search_only_on_the_canvas", "test_typing_opens_the_search_with_what_was_typed",
        "test_a_double_click_places_at_once_there",
        "test_the_chosen_node_follows_the_pointer_until_a_click", "test_enter_places_and_escape_gives_up",
    ),
    "a wire let go on the ground asks for what fits, most used first": (
        "test_a_wire_let_go_offers_what_fits_most_used_first",
        "test_a_wire_from_a_port_offers_what_can_feed_it",
        "test_what_the_person_connects_is_learned_without_their_names",
    ),
    "ports that fit light up; a wire snaps from anywhere on the body": (
        "test_while_wiring_what_fits_is_lit_and_what_does_not_is_dimmed",
        "test_a_wire_is_drawn_and_snaps_to_the_body",
    ),
    "the shape before the drop; a misfit says which dimension and offers repairs": (
        "test_the_shape_is_seen_before_the_drop", "test_what_disagrees_is_said_before_the_drop",
        "test_a_repair_is_chosen_by_keyboard_as_one_step", "test_a_repair_is_clicked",
        "test_a_circle_looks_refused_while_dragging",
    ),
    "a node dropped on a wire is inserted; neighbours make room": (
        "test_a_node_dragged_onto_a_wire_is_put_on_it_and_room_is_made",
        "test_over_a_wire_it_is_lit_and_then_inserted", "test_nodes_overlap_nothing_after_a_repair",
    ),
    "wires are cut, nodes detached, deleted and reconnected, duplicated with their inputs": (
        "test_a_line_cuts_the_wires_it_crosses", "test_x_held_pulls_a_node_out_of_its_wires",
        "test_delete_and_reconnect", "test_cut_and_duplicate",
    ),
    "dots on wires, muted nodes": (
        "test_a_double_click_on_a_wire_makes_a_dot", "test_a_muted_node_shows_it_and_hands_on",
        "test_a_number_travels_through_a_dot",
    ),
    "frames and notes with formulas and colours; frames carry their nodes": (
        "test_a_frame_carries_what_lies_wholly_in_it", "test_edges_and_corners_resize",
        "test_formulas_bold_words_and_money", "test_colours_and_fitting",
        "test_a_double_click_writes_and_a_click_elsewhere_ends_it",
    ),
    "modules: made of a selection, edited in place, breadcrumb, unpacked, shared parameters, stable ports": (
        "test_a_selection_is_made_a_module_and_unpacked",
        "test_parameters_are_shared_and_trained_from_the_panels",
        "test_a_module_is_entered_edited_left_and_undone_outside",
        "test_ports_follow_a_module_and_an_own_operator_that_change",
    ),
    "copy and paste as text, between windows and out of a chat": (
        "test_copy_and_paste_keeps_wires_and_numbers", "test_paste_into_another_window_and_of_a_formula",
        "test_text_from_a_chat_is_pasted", "test_pasted_with_inputs_they_read_what_the_others_read",
    ),
    "undo: one gesture is one step, values survive, selection is none, the history is seen": (
        "test_a_move_is_one_undo_step_on_the_grid", "test_steps_are_listed_oldest_first",
        "test_a_click_goes_there_and_back", "test_selection_zoom_and_step_are_no_steps_and_survive",
    ),
    "layout of all and of a selection; align, distribute; the grid and straight wires": (
        "test_arranging_a_selection_leaves_the_rest_and_the_view", "test_nodes_line_up", "test_equal_gaps",
        "test_a_wire_snaps_straight", "test_frames_fit_after_arranging_in_the_same_step",
    ),
    "minimap, fit, zoom to the selection, bookmarks, find": (
        "test_the_frame_in_the_minimap_is_dragged", "test_zoom_to_the_selection_and_back",
        "test_bookmarks_are_set_shown_gone_to_and_cleared", "test_a_node_is_found",
        "test_fit_shows_everything",
    ),
    "focus on what is upstream and downstream": (
        "test_focus_dims_what_is_neither_above_nor_below",
    ),
    "every action is a command with a key that can be changed": (
        "test_everything_is_listed_with_its_keys", "test_a_new_key_works_at_once_and_is_remembered",
        "test_the_box_lists_every_action_with_its_key", "test_menus_hold_every_action",
    ),
    "everything by keys; names for assistive technology; reduced motion": (
        "test_the_worked_example_is_built_stepped_and_saved_by_keys_alone",
        "test_alt_and_arrows_go_from_neighbour_to_neighbour",
        "test_a_wire_by_keys_lights_what_fits_and_connects_in_one_step",
        "test_selection_steps_faults_and_modes_are_said", "test_assistive_technology_gets_the_words",
    ),
    "value, gradient, shape and error on the node and the wire; the error goes there": (
        "test_the_numbers_of_the_worked_example_at_a_step", "test_every_state_is_painted",
        "test_faults_come_first_and_one_after_the_other",
    ),
    "a picture holds its document": (
        "test_every_example_comes_back_from_its_picture", "test_the_export_action_asks_and_writes",
        "test_a_dropped_document_is_opened",
    ),
    "quick at 1,000 nodes and more": (
        "test_a_step_touches_what_it_changes", "test_the_screen_shows_what_would_be_painted_anew",
        "test_from_afar_the_same_nodes_are_seen",
    ),
    "trackpad, drag threshold, panning at the edge": (
        "test_two_fingers_pan", "test_a_pinch_zooms_at_the_fingers",
        "test_a_press_at_the_edge_alone_moves_nothing", "test_a_dragged_node_goes_on_while_the_view_moves",
    ),
}  # fmt: skip
FOUND = {
    node.name
    for path in Path(__file__).parent.glob("test_*.py")
    for node in ast.parse(path.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef)
}


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_shown_by_tests_that_are_there(row: str) -> None:
    assert set(ROWS[row]) <= FOUND
